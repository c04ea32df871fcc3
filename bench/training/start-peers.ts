import { once } from 'node:events';
import path from 'node:path';
import type { EmulatedHosts } from '../network/emulated-hosts.js';
import { mpirunOnHosts } from '../network/mpirun.js';
import { packageRoot } from '../peers/parts.js';
import type { Command } from '../peers/run-processes.js';
import { freePorts } from './free-ports.js';
import { environment, hostsOf, type Launch, onHost, peerArguments, type Start } from './workload.js';

// How TensorFlow's Python is started: alone, by Horovod, and by MultiWorkerMirroredStrategy, on this machine or a rank on each of emulated hosts.

const storeProgram = path.join(packageRoot, 'bench', 'training', 'programs', 'horovod_store.py');
const device = 'lab0'; // of emulated hosts

export function startAlone(flags: readonly string[]): Launch {
  return (start, body) =>
    body([{ program: start.python, args: peerArguments('alone', start, flags), env: environment(start.threads) }]);
}

export function startHorovodGloo(flags: readonly string[]): Launch {
  return (start, body) => {
    if (start.network) return horovodGlooAcrossHosts(start.network, start, flags, body);
    const launch = ['--gloo', '--network-interfaces', 'lo', '-np', `${start.ranks}`];
    const program = path.join(path.dirname(start.python), 'horovodrun');
    const env = { ...horovodEnvironment(start), GLOO_SOCKET_IFNAME: 'lo' };
    return body([{ program, args: [...launch, ...horovodRank(start, flags)], env }]);
  };
}

/** horovodrun would go by ssh; this is what it does there: a store of its own, and places in the environment. */
async function horovodGlooAcrossHosts<T>(
  network: EmulatedHosts,
  start: Start,
  flags: readonly string[],
  body: (commands: Command[]) => Promise<T>,
): Promise<T> {
  const hosts = hostsOf(network);
  const list = hosts.map((host) => `${network.address(host)}:1`).join(',');
  const store = network.spawn(0, [start.python, storeProgram, list], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [port] = (await Promise.race([once(store.stdout!, 'data'), once(store, 'exit')])) as [unknown];
    if (!Buffer.isBuffer(port)) throw new Error("Horovod's store did not start");
    const shared = {
      ...horovodEnvironment(start),
      ...{ HOROVOD_CONTROLLER: 'gloo', HOROVOD_CPU_OPERATIONS: 'gloo', HOROVOD_GLOO_IFACE: device },
      ...{ HOROVOD_GLOO_RENDEZVOUS_ADDR: network.address(0), HOROVOD_GLOO_RENDEZVOUS_PORT: port.toString().trim() },
      ...{ HOROVOD_SIZE: `${start.ranks}`, HOROVOD_CROSS_SIZE: `${start.ranks}` },
      ...{ HOROVOD_LOCAL_RANK: '0', HOROVOD_LOCAL_SIZE: '1', GLOO_SOCKET_IFNAME: device },
    };
    const own = (rank: number) => ({
      ...{ HOROVOD_RANK: `${rank}`, HOROVOD_CROSS_RANK: `${rank}`, HOROVOD_HOSTNAME: network.address(rank) },
    });
    return await body(
      hosts.map((host) => onHost(network, host, named(network, host, start, flags), { ...shared, ...own(host) })),
    );
  } finally {
    store.stdin!.end();
    store.kill('SIGKILL');
  }
}

/** Process sets' links go to the address that a host's name has, whatever interface Horovod is told; so the name is the address. */
function named(network: EmulatedHosts, host: number, start: Start, flags: readonly string[]): [string, ...string[]] {
  const script = 'hostname "$0"; exec "$@"';
  return ['unshare', '--uts', 'sh', '-c', script, network.address(host), ...horovodRank(start, flags)];
}

export function startHorovodMpi(flags: readonly string[]): Launch {
  return (start, body) => {
    const env = {
      ...horovodEnvironment(start),
      ...{ HOROVOD_CONTROLLER: 'mpi', HOROVOD_CPU_OPERATIONS: 'mpi' },
      ...{ OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
    };
    const rank = horovodRank(start, flags);
    if (start.network) {
      const mpirun = mpirunOnHosts(start.network, Object.keys(env), rank);
      return body([onHost(start.network, 0, mpirun.command, { ...env, ...mpirun.env })]);
    }
    const quiet = ['--bind-to', 'none', '--mca', 'pml', 'ob1', '--mca', 'mpi_yield_when_idle', '1'];
    return body([
      { program: 'mpirun.openmpi', args: ['--oversubscribe', ...quiet, '-n', `${start.ranks}`, ...rank], env },
    ]);
  };
}

export function startMultiworker(): Launch {
  return async (start, body) => {
    const { ranks, threads, python, network } = start;
    const worker = network
      ? hostsOf(network).map((host) => `${network.address(host)}:7000`)
      : (await freePorts(ranks)).map((port) => `127.0.0.1:${port}`);
    const args = peerArguments('multiworker', start, []);
    return body(
      worker.map((_, index) => {
        const cluster = JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } });
        const env = { ...environment(threads), TF_CONFIG: cluster };
        return network ? onHost(network, index, [python, ...args], env) : { program: python, args, env };
      }),
    );
  };
}

function horovodRank(start: Start, flags: readonly string[]): [string, ...string[]] {
  return [start.python, ...peerArguments('horovod', start, flags)];
}

function horovodEnvironment({ python, threads }: Start): Record<string, string> {
  const PATH = `${path.dirname(python)}${path.delimiter}${process.env['PATH'] ?? ''}`;
  return { ...environment(threads), PATH };
}
