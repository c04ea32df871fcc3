import path from 'node:path';
import type { EmulatedHosts } from './emulated-hosts.js';
import { sourceFolder } from './source-folder.js';

/**
 * Open MPI's launcher, to be started on the first of the hosts, for one rank on each: over TCP, and yielding when idle.
 *
 * @param variables - names of those of its environment that go to the ranks
 * @param rank - the ranks' command
 * @param options - more of mpirun's
 */
export function mpirunOnHosts(
  network: EmulatedHosts,
  variables: readonly string[],
  rank: readonly string[],
  options: readonly string[] = [],
): { command: [string, ...string[]]; env: Record<string, string> } {
  const hosts = [...Array(network.hosts).keys()].map((host) => `${network.address(host)}:1`);
  const launch = [
    ...['mpirun.openmpi', '--host', hosts.join(','), '--bind-to', 'none', '--mca', 'mpi_yield_when_idle', '1'],
    ...['--mca', 'plm_rsh_agent', path.join(sourceFolder(), 'remote-shell.sh'), '--mca', 'plm_rsh_no_tree_spawn', '1'],
    ...['--mca', 'orte_keep_fqdn_hostnames', '1', '--mca', 'oob_tcp_if_include', 'lab0'],
    ...['--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', 'lab0', ...options],
    ...variables.flatMap((variable) => ['-x', variable]),
  ];
  return {
    command: ['unshare', '--uts', 'sh', '-c', 'hostname host0; exec "$@"', 'sh', ...launch, ...rank],
    env: {
      ...{ TSRING_NETWORK: network.prefix, TSRING_NETWORK_CPUS: network.cpus.join(' ') },
      ...{ OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
    },
  };
}
