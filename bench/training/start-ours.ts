import { fileURLToPath } from 'node:url';
import path from 'node:path';
import type { EmulatedHosts } from '../network/emulated-hosts.js';
import { Job } from '../network/job.js';
import { packageRoot } from '../peers/parts.js';
import type { Command } from '../peers/run-processes.js';
import { processorsOfRanks } from './processors.js';
import { environment, flagsOf, type Launch, onHost, type Start } from './workload.js';

const rankProgram = fileURLToPath(new URL('rank.js', import.meta.url));
const serverProgram = fileURLToPath(new URL('../../lib/parameter-server/server-main.js', import.meta.url));

/** @param servers - parameter servers beside the ranks; on emulated hosts they are all on the first */
export function startOurs(flags: readonly string[], servers: number): Launch {
  return (start, body) => {
    const images = start.images === undefined ? [] : ['--data_dir', start.images];
    const args = [rankProgram, ...flagsOf(start.workload), ...flags, ...images];
    return start.network
      ? acrossHosts(start.network, start, args, servers, body)
      : body([byTsrun(start, args, servers)]);
  };
}

function byTsrun({ ranks, threads }: Start, rank: readonly string[], servers: number): Command {
  const launch = [
    '-np',
    `${ranks}`,
    '--oversubscribe',
    '--no-tag-output',
    ...(servers > 0 ? ['--ps', `${servers}`] : []),
  ];
  const tsrun = [process.execPath, path.join(packageRoot, 'bin', 'tsrun'), ...launch, ...rank];
  const [program = '', ...args] = [...onProcessors(processorsOfRanks(ranks, threads)), ...tsrun];
  return { program, args, env: environment(threads) };
}

/** tsrun shares them out. */
function onProcessors(ofRanks: readonly string[]): string[] {
  return ofRanks.length === 0 ? [] : ['taskset', '-c', ofRanks.join()];
}

async function acrossHosts<T>(
  network: EmulatedHosts,
  { ranks, threads }: Start,
  rank: readonly string[],
  servers: number,
  body: (commands: Command[]) => Promise<T>,
): Promise<T> {
  await using job = await Job.open(network, Array<number>(ranks).fill(1));
  const ofServers = servers > 0 ? { TSRING_SERVERS: `${servers}` } : {};
  const children = Array.from({ length: servers }, (_, server) => {
    const shared = { ...job.environment(0), TSRING_RANK: undefined };
    const own = { ...environment(threads), ...ofServers, TSRING_SERVER: `${server}` };
    return network.spawn(0, [process.execPath, serverProgram], {
      env: { ...process.env, ...shared, ...own },
      stdio: 'ignore',
    });
  });
  try {
    return await body(
      job.placements.map((placement) =>
        onHost(network, job.hostOf(placement.rank), [process.execPath, ...rank], {
          ...environment(threads),
          ...job.environment(placement.rank),
          ...ofServers,
        }),
      ),
    );
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}
