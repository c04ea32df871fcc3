#!/bin/sh
# remote-shell.sh ADDRESS COMMAND...: what a launcher uses for ssh between emulated hosts; TSRING_NETWORK is their prefix and
# TSRING_NETWORK_CPUS has the processors of each, if hosts have their own. Each host gets a name of its own, as launchers tell
# hosts apart by their names.
while [ "${1#-}" != "$1" ]; do shift; done
host=$((${1##*.} - 1))
shift
cpus=$(echo "${TSRING_NETWORK_CPUS:-}" | cut -d ' ' -f $((host + 1)))
exec ip netns exec "$TSRING_NETWORK-$host" ${cpus:+taskset --cpu-list "$cpus"} unshare --uts sh -c "hostname host$host; $*"
