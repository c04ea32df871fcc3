import { RingError } from '../errors.js';
import type { Placement } from './assign-ranks.js';
import { bindRanks, type BindTo } from './bind-ranks.js';
import { rankEnvironment } from './environment.js';
import { gpuOf } from './gpus.js';
import type { HostFacts } from './host-facts.js';
import type { RankStart } from './job-host.js';
import { secretFdInRank } from './start-local.js';

export interface PlanOptions {
  /** Of the ranks, before ours. */
  readonly environment: NodeJS.ProcessEnv;
  readonly nodeArguments: readonly string[];
  readonly cwd: string;
  readonly jobId: string;
  /** `host:port`. */
  readonly store: string;
  readonly bindTo: BindTo;
  /** More ranks than GPUs are wanted. */
  readonly oversubscribe: boolean;
  readonly startTimeoutMs?: number;
  /** Parameter servers of the whole job; default none. */
  readonly servers?: number;
  /** For each pool of threads in a rank. Default: the rank's share of the host's cores. */
  readonly threads?: number;
}

/**
 * What to start on one host.
 *
 * @param placements - those of this host, in order of local rank
 * @param address - that the ranks listen on
 * @throws RING_INVALID_ARGUMENT where there are fewer GPUs, or cores to bind to, than ranks
 */
export function planRanks(
  placements: readonly Placement[],
  facts: HostFacts,
  address: string,
  options: PlanOptions,
): RankStart[] {
  const [first] = placements;
  if (first === undefined) return [];
  if (!options.oversubscribe) checkGpus(first, facts);
  const gpus = placements.map(({ localRank }) => gpuOf(localRank, facts.gpus));
  // Parameter servers work on any core, and would keep one rank from its own more than others.
  const leavesFree = options.bindTo === 'auto' && (!facts.bindsRanks || (options.servers ?? 0) > 0);
  const bindTo = leavesFree ? 'none' : options.bindTo;
  const bound = bindRanks({ bindTo, host: first.host, nearNodes: gpus.map((gpu) => gpu?.node) }, facts.cpus);
  return placements.map((placement, index) => {
    const cpus = bound[index];
    const environment = rankEnvironment(options.environment, placement, {
      jobId: options.jobId,
      store: options.store,
      address,
      secretFd: secretFdInRank,
      servers: options.servers ?? 0,
      threads: options.threads ?? cpus?.length ?? Math.max(1, Math.floor(facts.cpus.length / placement.localSize)),
      gpu: gpus[index]?.id,
      sharesGpu: gpus[index] !== undefined && gpus.filter((gpu) => gpu?.id === gpus[index]?.id).length > 1,
      ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
    });
    const { nodeArguments, cwd } = options;
    return { placement, nodeArguments, cwd, environment, ...(cpus === undefined ? {} : { cpus }) };
  });
}

function checkGpus({ host, localSize }: Placement, { gpus }: HostFacts): void {
  if (gpus.length === 0 || localSize <= gpus.length) return;
  const some = gpus.length === 1 ? 'one GPU' : `${gpus.length} GPUs`;
  throw new RingError(
    'RING_INVALID_ARGUMENT',
    `${localSize} ranks on ${host}, which has ${some} for them: start ${gpus.length} there, let them share with --oversubscribe, ` +
      'or hide the GPUs with -x CUDA_VISIBLE_DEVICES=',
  );
}
