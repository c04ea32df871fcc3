import path from 'node:path';
import { type Part, packageRoot, programsFolder } from './parts.js';
import type { Command } from './run-processes.js';

export type Family = 'tsring' | 'Open MPI' | 'MPICH' | 'gloo' | 'torch' | 'Horovod';
export type Transport = 'memory' | 'tcp';

/** One way of doing an allreduce on this machine. */
export interface System {
  readonly name: string;
  readonly family: Family;
  /** What its data goes through between ranks on one host. */
  readonly transport: Transport;
  readonly part: Part;
  /** The processes to start for one run. One of them prints the rows. */
  commands(start: Start): Command[];
}

export interface Start {
  readonly ranks: number;
  /** The part's program. */
  readonly program: string;
  /** Empty, for this run only. */
  readonly folder: string;
  readonly settings: ProtocolSettings;
}

export interface ProtocolSettings {
  readonly sizes: readonly number[];
  /** For the rounds of one size. */
  readonly budgetSeconds: number;
  readonly minIterations: number;
  readonly maxIterations: number;
}

// MPI over more ranks than cores is told so: without yielding, those that wait take the cores from those that work.
const openMpiOptions = ['--oversubscribe', '--bind-to', 'none', '--mca', 'mpi_yield_when_idle', '1'];
const overTcp = ['--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', 'lo'];
const asRing = ['--mca', 'coll_tuned_use_dynamic_rules', '1', '--mca', 'coll_tuned_allreduce_algorithm', '4'];
const openMpiEnvironment = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

/** In the order of a round: systems that are compared run close to each other. */
export const systems: readonly System[] = [
  openMpi('openmpi', 'memory', []),
  mpich('mpich', 'memory', {}),
  horovodMpi(),
  tsring('tsring', 'memory', {}),
  gloo('ring'),
  gloo('halving_doubling'),
  gloo('bcube'),
  gloo('ring_chunked'),
  openMpi('openmpi-tcp', 'tcp', overTcp),
  tsring('tsring-tcp', 'tcp', { TSRING_TRANSPORT: 'tcp' }),
  openMpi('openmpi-tcp-ring', 'tcp', [...overTcp, ...asRing]),
  mpich('mpich-tcp', 'tcp', { UCX_TLS: 'tcp,self', UCX_NET_DEVICES: 'lo', MPIR_CVAR_NOLOCAL: '1' }),
  torchGloo(),
  horovodGloo(),
];

function openMpi(name: string, transport: Transport, options: readonly string[]): System {
  return {
    name,
    family: 'Open MPI',
    transport,
    part: 'openmpi',
    commands: ({ ranks, program, settings }) => [
      {
        program: 'mpirun.openmpi',
        args: [...openMpiOptions, ...options, '-n', `${ranks}`, program, name],
        env: { ...environment(settings), ...openMpiEnvironment },
      },
    ],
  };
}

function mpich(name: string, transport: Transport, env: Readonly<Record<string, string>>): System {
  return {
    name,
    family: 'MPICH',
    transport,
    part: 'mpich',
    commands: ({ ranks, program, settings }) => [
      {
        program: 'mpiexec.mpich',
        args: ['-n', `${ranks}`, program, name],
        env: { ...environment(settings), ...env },
      },
    ],
  };
}

function gloo(algorithm: string): System {
  const name = `gloo-${algorithm}`;
  return {
    name,
    family: 'gloo',
    transport: 'tcp',
    part: 'gloo',
    commands: ({ ranks, program, folder, settings }) =>
      Array.from({ length: ranks }, (_, rank) => ({
        program,
        args: [`${rank}`, `${ranks}`, folder, '127.0.0.1', algorithm, name],
        env: environment(settings),
      })),
  };
}

function torchGloo(): System {
  const name = 'torch-gloo';
  return {
    name,
    family: 'torch',
    transport: 'tcp',
    part: 'torch',
    commands: ({ ranks, program, folder, settings }) =>
      Array.from({ length: ranks }, (_, rank) => ({
        program,
        args: [script('torch_gloo'), `${rank}`, `${ranks}`, path.join(folder, 'store'), name],
        env: environment(settings),
      })),
  };
}

function horovodGloo(): System {
  const name = 'horovod-gloo';
  return {
    name,
    family: 'Horovod',
    transport: 'tcp',
    part: 'horovod',
    commands: ({ ranks, program, settings }) => [
      {
        program,
        args: [
          ...[path.join(path.dirname(program), 'horovodrun'), '--gloo', '--network-interfaces', 'lo'],
          ...['-np', `${ranks}`, program, script('horovod_torch'), name],
        ],
        env: environment(settings),
      },
    ],
  };
}

function horovodMpi(): System {
  const name = 'horovod-mpi';
  return {
    name,
    family: 'Horovod',
    transport: 'memory',
    part: 'horovod',
    commands: ({ ranks, program, settings }) => [
      {
        program: 'mpirun.openmpi',
        args: [...openMpiOptions, '--mca', 'pml', 'ob1', '-n', `${ranks}`, program, script('horovod_torch'), name],
        env: {
          ...environment(settings),
          ...openMpiEnvironment,
          HOROVOD_CONTROLLER: 'mpi',
          HOROVOD_CPU_OPERATIONS: 'mpi',
        },
      },
    ],
  };
}

function tsring(name: string, transport: Transport, env: Readonly<Record<string, string>>): System {
  return {
    name,
    family: 'tsring',
    transport,
    part: 'tsring',
    commands: ({ ranks, program, settings }) => [
      {
        program: process.execPath,
        args: [
          ...[path.join(packageRoot, 'bin', 'tsrun'), '-np', `${ranks}`, '--no-tag-output', program, '--tsv'],
          ...['--sizes', settings.sizes.join(','), '--budget', `${settings.budgetSeconds}`],
          ...['--min_iterations', `${settings.minIterations}`, '--max_iterations', `${settings.maxIterations}`],
        ],
        env,
      },
    ],
  };
}

function script(name: string): string {
  return path.join(programsFolder, `${name}.py`);
}

/** What programs/protocol.h and protocol.py read; besides, one thread a rank and the loopback interface to listen on. */
function environment(settings: ProtocolSettings): Record<string, string> {
  return {
    PEERS_SIZES: settings.sizes.join(','),
    PEERS_BUDGET_S: `${settings.budgetSeconds}`,
    PEERS_MIN_ITERATIONS: `${settings.minIterations}`,
    PEERS_MAX_ITERATIONS: `${settings.maxIterations}`,
    OMP_NUM_THREADS: '1',
    GLOO_SOCKET_IFNAME: 'lo',
    HOROVOD_GLOO_IFACE: 'lo',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}
