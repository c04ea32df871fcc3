import type { Placement } from './assign-ranks.js';

/** What all processes of a job are told. */
export interface JobSurroundings {
  readonly jobId: string;
  /** `host:port` of the rendezvous store. */
  readonly store: string;
  /** Address that the process's listeners bind to and tell the others. */
  readonly address: string;
  /** The inherited descriptor of the job secret. */
  readonly secretFd: number;
  /** For each pool of threads in the process. */
  readonly threads: number;
  /** Parameter servers of the job. */
  readonly servers: number;
  /** Absent: the process's own default. */
  readonly startTimeoutMs?: number;
}

export interface RankSurroundings extends JobSurroundings {
  /** As CUDA_VISIBLE_DEVICES spells it; undefined leaves GPU variables alone. */
  readonly gpu: string | undefined;
  /** Another rank has the same GPU. */
  readonly sharesGpu: boolean;
}

/** A rank's whole environment: the user's, which wins over our defaults, and the rank's place, which wins over the user's. */
export function rankEnvironment(
  user: NodeJS.ProcessEnv,
  placement: Placement,
  around: RankSurroundings,
): NodeJS.ProcessEnv {
  const own: NodeJS.ProcessEnv = {
    TSRING_RANK: String(placement.rank),
    TSRING_LOCAL_RANK: String(placement.localRank),
    TSRING_LOCAL_SIZE: String(placement.localSize),
    TSRING_CROSS_RANK: String(placement.crossRank),
    TSRING_CROSS_SIZE: String(placement.crossSize),
    ...jobVariables(placement, around),
  };
  if (around.gpu !== undefined) own['CUDA_VISIBLE_DEVICES'] = around.gpu;
  const defaults = threadCounts(around.threads);
  if (around.gpu !== undefined) defaults['TF_FORCE_GPU_ALLOW_GROWTH'] = 'true'; // else one rank takes all of its memory
  if (around.sharesGpu) defaults['NCCL_MULTI_RANK_GPU_ENABLE'] = '1'; // else NCCL, from 2.30 on, refuses what was asked for
  return without(ofOtherJobs, { ...defaults, ...user, ...own });
}

/** A parameter server's. It computes on the host's processors, and leaves GPUs to ranks. */
export function serverEnvironment(
  user: NodeJS.ProcessEnv,
  placement: Placement,
  around: JobSurroundings,
): NodeJS.ProcessEnv {
  const own = { CUDA_VISIBLE_DEVICES: '', ...jobVariables(placement, around) };
  const ofRanks = ['RANK', 'LOCAL_RANK', 'LOCAL_SIZE', 'CROSS_RANK', 'CROSS_SIZE'].map((name) => `TSRING_${name}`);
  const environment = without([...ofRanks, ...ofOtherJobs], { ...threadCounts(around.threads), ...user, ...own });
  return { ...environment, TSRING_SERVER: String(placement.server) };
}

function jobVariables({ size }: Placement, around: JobSurroundings): NodeJS.ProcessEnv {
  return {
    TSRING_SIZE: String(size),
    TSRING_SERVERS: String(around.servers),
    TSRING_STORE: around.store,
    TSRING_HOST: around.address,
    TSRING_JOB_ID: around.jobId,
    TSRING_SECRET_FD: String(around.secretFd),
    ...(around.startTimeoutMs === undefined ? {} : { TSRING_START_TIMEOUT_MS: String(around.startTimeoutMs) }),
  };
}

/** Thread pools that would each take all cores, in every process, if nobody told them. */
function threadCounts(threads: number): Record<string, string> {
  const names = ['OMP_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'];
  return Object.fromEntries(names.map((name) => [name, String(threads)]));
}

/** Another job's secret (ours is behind the descriptor), and another job's server. */
const ofOtherJobs = ['TSRING_SECRET', 'TSRING_SECRET_FILE', 'TSRING_SERVER'];

function without(names: readonly string[], environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}

/** Variables that say where and as whom one is logged in: another host has its own. */
const ofThisHost =
  /^(SSH_.*|XDG_.*|DBUS_.*|DISPLAY|WAYLAND_DISPLAY|HOSTNAME|HOST|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|SHLVL|TERM|TMPDIR|MAIL|_|BASH_FUNC_.*)$/;

/** What ranks on another host get of our environment, on top of what they find there; what the user names with -x goes in any case. */
export function travellingEnvironment(
  ours: NodeJS.ProcessEnv,
  named: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const kept = Object.entries(ours).filter(([name]) => !ofThisHost.test(name) && !name.startsWith('TSRING_SECRET'));
  return { ...Object.fromEntries(kept), ...named };
}
