"""Horovod's rendezvous for ranks that its launcher has not started: horovod_store.py HOST:SLOTS,... prints the port, and ends with its
standard input."""
import sys

from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
from horovod.runner.http.http_server import RendezvousServer

hosts = parse_hosts(sys.argv[1])
server = RendezvousServer()
port = server.start()
server.init(get_host_assignments(hosts, sum(host.slots for host in hosts)))
print(port, flush=True)
sys.stdin.read()
server.stop()
