import { prepare, type Part } from '../peers/parts.js';
import type { EmulatedHosts } from './emulated-hosts.js';
import { Job } from './job.js';
import { mpirunOnHosts } from './mpirun.js';
import type { HostProgram } from './run-on-hosts.js';

export interface Settings {
  readonly sizes: readonly number[];
  /** For the iterations of one size. */
  readonly budgetSeconds: number;
  readonly minIterations: number;
}

export interface Start {
  readonly network: EmulatedHosts;
  /** The part's program. */
  readonly program: string;
  /** Empty, for this run only. */
  readonly folder: string;
  readonly settings: Settings;
}

/** One way of doing an allreduce over the hosts of a network, one rank on each. */
export interface System {
  readonly part: Part;
  /** Runs `body` with the programs to start for one run; one of them prints the rows. */
  start<T>(start: Start, body: (programs: HostProgram[]) => Promise<T>): Promise<T>;
}

/** In the order of a round. */
export const systems: Readonly<Record<string, System>> = {
  tsring: { part: 'tsring', start: tsring },
  'gloo-ring': gloo('ring'),
  'gloo-halving_doubling': gloo('halving_doubling'),
  'openmpi-tcp': openMpi('openmpi-tcp', []),
  'openmpi-tcp-ring': openMpi('openmpi-tcp-ring', [
    ...['--mca', 'coll_tuned_use_dynamic_rules', '1', '--mca', 'coll_tuned_allreduce_algorithm', '4'],
  ]),
};

/** Why a part cannot be used here; its program if it can. */
export const prepared = (part: Part) => prepare(part, false);

async function tsring<T>(
  { network, program, settings }: Start,
  body: (programs: HostProgram[]) => Promise<T>,
): Promise<T> {
  await using job = await Job.open(network, Array<number>(network.hosts).fill(1));
  return await body(
    job.placements.map(({ rank }) => ({
      host: job.hostOf(rank),
      command: [
        ...([process.execPath, program, '--tsv', '--sizes', settings.sizes.join(',')] as const),
        ...['--budget', `${settings.budgetSeconds}`, '--min_iterations', `${settings.minIterations}`],
      ],
      env: { ...job.environment(rank), OMP_NUM_THREADS: '1' },
    })),
  );
}

function gloo(algorithm: string): System {
  return {
    part: 'gloo',
    start: ({ network, program, folder, settings }, body) =>
      body(
        everyHost(network).map((host) => ({
          host,
          command: [
            program,
            `${host}`,
            `${network.hosts}`,
            folder,
            network.address(host),
            algorithm,
            `gloo-${algorithm}`,
          ],
          env: environment(settings),
        })),
      ),
  };
}

function openMpi(name: string, options: readonly string[]): System {
  return {
    part: 'openmpi',
    start: ({ network, program, settings }, body) => {
      const env = environment(settings);
      const mpirun = mpirunOnHosts(network, Object.keys(env), [program, name], options);
      return body([{ host: 0, command: mpirun.command, env: { ...env, ...mpirun.env } }]);
    },
  };
}

/** What the peers' programs read. */
function environment(settings: Settings): Record<string, string> {
  return {
    PEERS_SIZES: settings.sizes.join(','),
    PEERS_BUDGET_S: `${settings.budgetSeconds}`,
    PEERS_MIN_ITERATIONS: `${settings.minIterations}`,
    PEERS_MAX_ITERATIONS: '2000',
    OMP_NUM_THREADS: '1',
  };
}

function everyHost(network: EmulatedHosts): number[] {
  return [...Array(network.hosts).keys()];
}
