import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { packageRoot } from '../peers/parts.js';
import type { Command } from '../peers/run-processes.js';
import { freePorts } from './free-ports.js';

/** A model and how it is trained: `inception_v1:4:224:5` is batch 4, 224 pixels, 5 timed steps. */
export interface Workload {
  readonly model: string;
  readonly batch: number;
  readonly imageSize: number;
  readonly steps: number;
  readonly warmup: number;
}

export interface Start {
  readonly ranks: number;
  readonly workload: Workload;
  /** Of TensorFlow, for each rank. */
  readonly threads: number;
  /** Python with TensorFlow and Horovod; only peers use it. */
  readonly python: string;
}

/** One way of training. */
export interface System {
  readonly name: string;
  /** Whether it is TensorFlow's Python. */
  readonly peer: boolean;
  /** Otherwise it is for any number. */
  readonly onlyAlone?: true;
  readonly commands: (start: Start) => Command[] | Promise<Command[]>;
}

// A larger one takes VGG19, which has no batch normalization, to NaN within a few steps.
const learningRate = '0.001';
const rankProgram = fileURLToPath(new URL('rank.js', import.meta.url));
const peerProgram = path.join(packageRoot, 'bench', 'training', 'programs', 'tensorflow_peer.py');

export const systems: readonly System[] = [
  ours('tsring', []),
  ours('tsring-overlap', ['--overlap']),
  ours('tsring-plain', ['--no-accelerate']),
  ...alone(),
  ...horovod('horovod-gloo', ({ ranks, python }) => ({
    program: path.join(path.dirname(python), 'horovodrun'),
    args: ['--gloo', '--network-interfaces', 'lo', '-np', `${ranks}`],
    env: { GLOO_SOCKET_IFNAME: 'lo' },
  })),
  ...horovod('horovod-mpi', ({ ranks }) => ({
    program: 'mpirun.openmpi',
    args: [
      '--oversubscribe',
      '--bind-to',
      'none',
      '--mca',
      'pml',
      'ob1',
      '--mca',
      'mpi_yield_when_idle',
      '1',
      '-n',
      `${ranks}`,
    ],
    env: {
      ...{ HOROVOD_CONTROLLER: 'mpi', HOROVOD_CPU_OPERATIONS: 'mpi' },
      ...{ OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
    },
  })),
  { name: 'multiworker-ring', peer: true, commands: multiworker },
];

function ours(name: string, flags: readonly string[]): System {
  return {
    name,
    peer: false,
    commands: ({ ranks, workload, threads }) => {
      const launch = ['-np', `${ranks}`, '--oversubscribe', '--no-tag-output', rankProgram];
      const args = [path.join(packageRoot, 'bin', 'tsrun'), ...launch, ...flagsOf(workload), ...flags];
      return [{ program: process.execPath, args, env: environment(threads) }];
    },
  };
}

function alone(): System[] {
  const make = (name: string, flags: readonly string[]): System => ({
    name,
    peer: true,
    onlyAlone: true,
    commands: ({ workload, threads, python }) => [
      { program: python, args: peerArguments('alone', workload, flags), env: environment(threads) },
    ],
  });
  return [make('tensorflow-graph', []), make('tensorflow-eager', ['--eager'])];
}

function horovod(name: string, launcher: (start: Start) => Command): System[] {
  const make = (suffix: string, flags: readonly string[]): System => ({
    name: name + suffix,
    peer: true,
    commands: (start) => {
      const { program, args, env } = launcher(start);
      const rank = [start.python, ...peerArguments('horovod', start.workload, flags)];
      const PATH = `${path.dirname(start.python)}${path.delimiter}${process.env['PATH'] ?? ''}`;
      return [{ program, args: [...args, ...rank], env: { ...environment(start.threads), ...env, PATH } }];
    },
  });
  return [make('', []), make('-eager', ['--eager'])];
}

async function multiworker({ ranks, workload, threads, python }: Start): Promise<Command[]> {
  const worker = (await freePorts(ranks)).map((port) => `127.0.0.1:${port}`);
  return worker.map((_, index) => ({
    program: python,
    args: peerArguments('multiworker', workload, []),
    env: {
      ...environment(threads),
      TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } }),
    },
  }));
}

function peerArguments(system: string, workload: Workload, flags: readonly string[]): string[] {
  return [peerProgram, '--system', system, ...flagsOf(workload), ...flags];
}

function flagsOf({ model, batch, imageSize, steps, warmup }: Workload): string[] {
  const flags = { model, batch_size: batch, image_size: imageSize, num_batches: steps, num_warmup_batches: warmup };
  return [
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]),
    ...['--learning_rate', learningRate],
  ];
}

function environment(threads: number): Record<string, string> {
  const count = `${threads}`;
  return { TF_NUM_INTRAOP_THREADS: count, TF_NUM_INTEROP_THREADS: count, TF_CPP_MIN_LOG_LEVEL: '3' };
}
