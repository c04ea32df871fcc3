#!/bin/sh
# remote-shell.sh ADDRESS COMMAND...: what a launcher uses for ssh between emulated hosts; TSRING_NETWORK is their prefix. Each
# host gets a name of its own, as launchers tell hosts apart by their names.
while [ "${1#-}" != "$1" ]; do shift; done
host=$((${1##*.} - 1))
shift
exec ip netns exec "$TSRING_NETWORK-$host" unshare --uts sh -c "hostname host$host; $*"
