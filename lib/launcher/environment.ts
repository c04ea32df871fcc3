import type { Placement } from './assign-ranks.js';

export interface RankSurroundings {
  readonly jobId: string;
  /** `host:port` of the rendezvous store. */
  readonly store: string;
  /** Address that the rank's listeners bind to and tell the others. */
  readonly address: string;
  /** The rank's inherited descriptor of the job secret. */
  readonly secretFd: number;
  /** For each pool of threads in the rank. */
  readonly threads: number;
  /** As CUDA_VISIBLE_DEVICES spells it; undefined leaves GPU variables alone. */
  readonly gpu: string | undefined;
  /** Absent: the ranks' own default. */
  readonly startTimeoutMs?: number;
}

/** Thread pools that would each take all cores, in every rank, if nobody told them. */
const threadVariables = ['OMP_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'];

/** A rank's whole environment: the user's, which wins over our defaults, and the rank's place, which wins over the user's. */
export function rankEnvironment(
  user: NodeJS.ProcessEnv,
  placement: Placement,
  around: RankSurroundings,
): NodeJS.ProcessEnv {
  const own: NodeJS.ProcessEnv = {
    TSRING_RANK: String(placement.rank),
    TSRING_SIZE: String(placement.size),
    TSRING_LOCAL_RANK: String(placement.localRank),
    TSRING_LOCAL_SIZE: String(placement.localSize),
    TSRING_CROSS_RANK: String(placement.crossRank),
    TSRING_CROSS_SIZE: String(placement.crossSize),
    TSRING_STORE: around.store,
    TSRING_HOST: around.address,
    TSRING_JOB_ID: around.jobId,
    TSRING_SECRET_FD: String(around.secretFd),
  };
  if (around.gpu !== undefined) own['CUDA_VISIBLE_DEVICES'] = around.gpu;
  if (around.startTimeoutMs !== undefined) own['TSRING_START_TIMEOUT_MS'] = String(around.startTimeoutMs);

  const defaults = Object.fromEntries(threadVariables.map((name) => [name, String(around.threads)]));
  if (around.gpu !== undefined) defaults['TF_FORCE_GPU_ALLOW_GROWTH'] = 'true'; // else one rank takes all of its memory
  const environment = { ...defaults, ...user, ...own };
  delete environment['TSRING_SECRET']; // another job's, as is the file below; ours is behind the descriptor
  delete environment['TSRING_SECRET_FILE'];
  return environment;
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
