#!/bin/sh
# remove-hosts.sh PREFIX: waits until its standard input ends, which the death of whoever holds the other end brings about as
# surely as its word; then kills all that runs in the network namespaces PREFIX-*, and removes them.
cat >/dev/null
for name in $(ip netns list | awk '{ print $1 }' | grep "^$1-"); do
  # Again, as long as one was forking when we looked; a process that cannot be killed must not keep us for ever.
  for attempt in 1 2 3 4 5; do
    pids=$(ip netns pids "$name")
    [ -n "$pids" ] || break
    kill -9 $pids 2>/dev/null
  done
  ip netns del "$name"
done
