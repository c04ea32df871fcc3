import { RingError } from './errors.js';

/** Where a process stands in a job, as whoever started it says. */
export interface SchedulerPlace {
  /** For messages. */
  readonly startedBy: string;
  readonly rank: number;
  readonly size: number;
  /** Absent where the starter does not tell. */
  readonly localRank?: number;
  readonly localSize?: number;
  /** Where ranks meet, if the starter tells: `tcp://host:port`. */
  readonly rendezvous?: string;
  /** Equal for the ranks of one job on one host, and different for others: names a file to meet at. */
  readonly jobKey?: string;
}

type Env = NodeJS.ProcessEnv;

/**
 * The place that a scheduler or another launcher gave this process; undefined if there is none, or it started this process alone. The
 * first that is there counts: `mpirun` inside of a Slurm job is `mpirun`.
 *
 * @throws {RingError} `RING_CONFIG` where what it says makes no sense
 */
export function schedulerPlace(env: Env): SchedulerPlace | undefined {
  for (const read of [openMpi, hydra, slurm, indexedJob, tfConfig, plain]) {
    const place = read(env);
    if (place === undefined) continue;
    if (place.rank >= place.size) throw wrong(place.startedBy, `says rank ${place.rank} of ${place.size}`);
    return place.size === 1 ? undefined : place;
  }
  return undefined;
}

/** `mpirun` of Open MPI, also under the MPI Operator. */
function openMpi(env: Env): SchedulerPlace | undefined {
  if (env['OMPI_COMM_WORLD_SIZE'] === undefined) return undefined;
  const read = numbers(env, 'Open MPI');
  return {
    startedBy: 'Open MPI',
    rank: read('OMPI_COMM_WORLD_RANK'),
    size: read('OMPI_COMM_WORLD_SIZE'),
    localRank: read('OMPI_COMM_WORLD_LOCAL_RANK'),
    localSize: read('OMPI_COMM_WORLD_LOCAL_SIZE'),
    jobKey: `openmpi ${env['PMIX_NAMESPACE'] ?? process.ppid}`,
  };
}

/** `mpiexec` of MPICH and of Intel MPI, and `srun --mpi=pmi2`. */
function hydra(env: Env): SchedulerPlace | undefined {
  if (env['PMI_SIZE'] === undefined || env['PMI_RANK'] === undefined) return undefined;
  const read = numbers(env, 'PMI');
  const local =
    env['MPI_LOCALNRANKS'] === undefined
      ? slurmLocal(env)
      : { localRank: read('MPI_LOCALRANKID'), localSize: read('MPI_LOCALNRANKS') };
  const jobKey = env['SLURM_JOB_ID'] === undefined ? `hydra ${process.ppid}` : slurmKey(env);
  return { startedBy: 'PMI', rank: read('PMI_RANK'), size: read('PMI_SIZE'), ...local, jobKey };
}

/** `srun`. A batch script has these variables as well, but is one process, and no step. */
function slurm(env: Env): SchedulerPlace | undefined {
  if (env['SLURM_PROCID'] === undefined || env['SLURM_STEP_ID'] === undefined) return undefined;
  const read = numbers(env, 'Slurm');
  const size = read(env['SLURM_STEP_NUM_TASKS'] === undefined ? 'SLURM_NTASKS' : 'SLURM_STEP_NUM_TASKS');
  return { startedBy: 'Slurm', rank: read('SLURM_PROCID'), size, ...slurmLocal(env), jobKey: slurmKey(env) };
}

function slurmLocal(env: Env): { localRank?: number; localSize?: number } {
  const counts = tasksPerNode(env['SLURM_STEP_TASKS_PER_NODE'] ?? env['SLURM_TASKS_PER_NODE'] ?? '');
  const localSize = counts[Number(env['SLURM_NODEID'] ?? NaN)];
  if (env['SLURM_LOCALID'] === undefined || localSize === undefined) return {};
  return { localRank: Number(env['SLURM_LOCALID']), localSize };
}

/** Slurm's `2(x3),1` is 2, 2, 2, 1. */
export function tasksPerNode(text: string): number[] {
  return [...text.matchAll(/(\d+)(?:\(x(\d+)\))?/g)].flatMap(([, tasks, times = '1']) =>
    Array.from({ length: Number(times) }, () => Number(tasks)),
  );
}

function slurmKey(env: Env): string {
  return `slurm ${env['SLURM_JOB_ID'] ?? ''}.${env['SLURM_STEP_ID'] ?? ''}`;
}

/** An Indexed Job of Kubernetes, which does not tell its pods how many they are. */
function indexedJob(env: Env): SchedulerPlace | undefined {
  if (env['JOB_COMPLETION_INDEX'] === undefined || env['TSRING_SIZE'] === undefined) return undefined;
  const read = numbers(env, 'the Indexed Job');
  return { startedBy: 'the Indexed Job', rank: read('JOB_COMPLETION_INDEX'), size: read('TSRING_SIZE') };
}

/** TensorFlow's: the chief is rank 0, workers follow; the chief's address, or the first worker's, is where they meet. */
function tfConfig(env: Env): SchedulerPlace | undefined {
  const text = env['TF_CONFIG'];
  if (text === undefined || text.trim() === '' || env['RANK'] !== undefined) return undefined;
  const { cluster = {}, task } = parseTfConfig(text);
  if (task?.type === undefined || task.type === 'evaluator') return undefined; // works by itself
  const chiefs = [...(cluster['chief'] ?? []), ...(cluster['master'] ?? [])];
  const addresses = [...chiefs, ...(cluster['worker'] ?? [])];
  const rank = task.type === 'worker' ? chiefs.length + Number(task.index) : Number(task.index);
  if (!['chief', 'master', 'worker'].includes(task.type) || addresses[rank] === undefined) {
    throw wrong(
      'TF_CONFIG',
      `says task ${task.type} ${String(task.index)}; a chief or worker of its cluster is needed`,
    );
  }
  return { startedBy: 'TF_CONFIG', rank, size: addresses.length, rendezvous: `tcp://${addresses[0]!}` };
}

interface TfConfig {
  readonly cluster?: Readonly<Record<string, readonly string[]>>;
  readonly task?: { readonly type?: string; readonly index?: number | string };
}

function parseTfConfig(text: string): TfConfig {
  try {
    return JSON.parse(text) as TfConfig;
  } catch {
    throw wrong('TF_CONFIG', 'is no JSON');
  }
}

/** torchrun, the PyTorch operators of Kubernetes, and scripts of one's own. */
function plain(env: Env): SchedulerPlace | undefined {
  if (env['RANK'] === undefined || env['WORLD_SIZE'] === undefined) return undefined;
  const read = numbers(env, 'the environment');
  const { MASTER_ADDR: host, MASTER_PORT: port } = env;
  return {
    startedBy: 'RANK and WORLD_SIZE',
    rank: read('RANK'),
    size: read('WORLD_SIZE'),
    ...(env['LOCAL_RANK'] === undefined || env['LOCAL_WORLD_SIZE'] === undefined
      ? {}
      : { localRank: read('LOCAL_RANK'), localSize: read('LOCAL_WORLD_SIZE') }),
    ...(host === undefined || port === undefined
      ? {}
      : { rendezvous: `tcp://${host.includes(':') ? `[${host}]` : host}:${port}` }),
  };
}

function numbers(env: Env, startedBy: string): (name: string) => number {
  return (name) => {
    const text = env[name];
    if (text !== undefined && /^\d{1,5}$/.test(text)) return Number(text);
    throw wrong(
      startedBy,
      `sets ${name} to ${(JSON.stringify(text) as string | undefined) ?? 'nothing'}, which is no number`,
    );
  };
}

function wrong(startedBy: string, what: string): RingError {
  return new RingError('RING_CONFIG', `${startedBy} ${what}`);
}
