import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EmulatedHosts } from '../../bench/network/emulated-hosts.js';
import { Job } from '../../bench/network/job.js';
import { whyNoNetworks } from '../../bench/network/network-names.js';
import { endOf, type RankEnd } from './start-ranks.js';

const testFolder = fileURLToPath(new URL('..', import.meta.url));

/** For a `before` hook: skips its tests, with the reason, where network namespaces cannot be made. */
export function skipWithoutNetworks(context: Mocha.Context): void {
  const reason = whyNoNetworks();
  if (reason === undefined) return;
  console.log(`      skipped: ${reason}`);
  context.skip();
}

export interface HostsOptions {
  /** One number a host. */
  readonly ranksPerHost: readonly number[];
  /** Relative to `test/`. It may print `@ready` when it is where the test wants it. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called once every rank has printed `@ready`. */
  readonly onReady?: (ranks: readonly ChildProcess[]) => void;
  /** All must have ended by then, or they are killed and the promise rejects with their output. */
  readonly timeoutMs: number;
}

/** Runs a script as the ranks of one ring over emulated hosts. No rank's end ends the others. */
export async function startOnHosts(network: EmulatedHosts, options: HostsOptions): Promise<RankEnd[]> {
  await using job = await Job.open(network, options.ranksPerHost);
  const script = path.join(testFolder, options.script);
  const ranks = job.placements.map(({ rank }) =>
    network.spawn(job.hostOf(rank), [process.execPath, '--import', 'tsx', script, ...(options.args ?? [])], {
      env: { ...process.env, ...job.environment(rank), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const late = AbortSignal.timeout(options.timeoutMs);
  late.addEventListener('abort', () => ranks.forEach((rank) => rank.kill('SIGKILL')));
  if (options.onReady) whenAllReady(ranks, options.onReady);
  const ends = await Promise.all(ranks.map(endOf));
  if (!late.aborted) return ends;
  throw new Error(
    `no end after ${options.timeoutMs} ms\n${ends.map((end) => JSON.stringify(end, null, 1)).join('\n')}`,
  );
}

function whenAllReady(ranks: readonly ChildProcess[], act: (ranks: readonly ChildProcess[]) => void): void {
  let waiting = ranks.length;
  for (const rank of ranks) {
    let said = '';
    rank.stdout!.on('data', (chunk: Buffer) => {
      const before = said.includes('@ready\n');
      said += chunk.toString();
      if (!before && said.includes('@ready\n') && --waiting === 0) act(ranks);
    });
  }
}
