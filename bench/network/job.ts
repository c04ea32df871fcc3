import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assignRanks, type Placement } from '../../lib/launcher/assign-ranks.js';
import type { EmulatedHosts } from './emulated-hosts.js';

/** A ring's ranks on emulated hosts: who is where, and the environment that each needs. */
export class Job implements AsyncDisposable {
  /** @param ranksPerHost - one number a host, from the first */
  static async open(network: EmulatedHosts, ranksPerHost: readonly number[]): Promise<Job> {
    const secrets = { TSRING_JOB_ID: randomUUID(), TSRING_SECRET: randomBytes(32).toString('hex') };
    const env = { ...process.env, ...secrets, TSRING_HOST: network.address(0) };
    const store = network.spawn(0, [process.execPath, ...storeProgram()], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const [first] = (await Promise.race([once(store.stdout!, 'data'), once(store, 'exit')])) as [unknown];
    if (!Buffer.isBuffer(first)) throw new Error('the store did not start');
    return new Job(network, ranksPerHost, store, {
      ...secrets,
      TSRING_STORE: `${network.address(0)}:${first.toString().trim()}`,
    });
  }

  readonly placements: readonly Placement[];

  private constructor(
    private readonly network: EmulatedHosts,
    ranksPerHost: readonly number[],
    private readonly store: ChildProcess,
    private readonly shared: Readonly<Record<string, string>>,
  ) {
    const slots = ranksPerHost.map((ranks, host) => ({ host: String(host), slots: ranks }));
    this.placements = assignRanks(
      slots,
      ranksPerHost.reduce((sum, ranks) => sum + ranks, 0),
    );
  }

  hostOf(rank: number): number {
    return Number(this.placements[rank]!.host);
  }

  /** What tsrun would set for `rank`. */
  environment(rank: number): Record<string, string> {
    const place = this.placements[rank]!;
    return {
      ...this.shared,
      TSRING_HOST: this.network.address(this.hostOf(rank)),
      TSRING_RANK: String(rank),
      TSRING_SIZE: String(place.size),
      TSRING_LOCAL_RANK: String(place.localRank),
      TSRING_LOCAL_SIZE: String(place.localSize),
      TSRING_CROSS_RANK: String(place.crossRank),
      TSRING_CROSS_SIZE: String(place.crossSize),
    };
  }

  /** Ends the store. The ranks do not need it once they have joined. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.store.exitCode !== null || this.store.signalCode !== null) return;
    const ended = once(this.store, 'exit');
    this.store.stdin!.end();
    await ended;
  }
}

/** Compiled or not, as this file is. */
function storeProgram(): string[] {
  const extension = path.extname(import.meta.url);
  const file = fileURLToPath(new URL(`./serve-store${extension}`, import.meta.url));
  return extension === '.ts' ? ['--import', 'tsx', file] : [file];
}
