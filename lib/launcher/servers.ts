import { fileURLToPath } from 'node:url';
import type { Placement } from './assign-ranks.js';
import { type JobSurroundings, serverEnvironment } from './environment.js';
import type { RankStart } from './job-host.js';
import type { PlanOptions } from './plan-ranks.js';
import { secretFdInRank } from './start-local.js';

/**
 * Parameter servers' places: dealt out in turn to the hosts that have ranks. They take no slots.
 *
 * @param ranks - of the whole job
 */
export function assignServers(ranks: readonly Placement[], servers: number): Placement[] {
  const hosts = [...new Set(ranks.map(({ host }) => host))];
  return Array.from({ length: servers }, (_, server) => {
    const host = hosts[server % hosts.length]!;
    const alike = ranks.find((placement) => placement.host === host)!;
    return { ...alike, rank: ranks.length + server, server };
  });
}

/** What to start of the parameter servers on one host, beside its ranks: our own program, on no cores and no GPU of its own. */
export function planServers(
  placements: readonly Placement[],
  { cpus, address, servers }: { readonly cpus: number; readonly address: string; readonly servers: number },
  { environment, cwd, jobId, store, threads, startTimeoutMs }: PlanOptions,
): RankStart[] {
  return placements.map((placement) => {
    const around: JobSurroundings = {
      ...{ jobId, store, address, servers, secretFd: secretFdInRank },
      ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
      threads: threads ?? Math.max(1, Math.floor(cpus / placement.localSize)),
    };
    return { placement, nodeArguments: [program], cwd, environment: serverEnvironment(environment, placement, around) };
  });
}

const program = fileURLToPath(new URL('../parameter-server/server-main.js', import.meta.url));
