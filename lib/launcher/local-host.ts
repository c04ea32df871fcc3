import { randomUUID } from 'node:crypto';
import { RingError } from '../errors.js';
import { Guard } from './guard.js';
import type { HostFacts } from './host-facts.js';
import type { HowToStop, JobHost, RankProcess, RankStart } from './job-host.js';
import { probe, ProbeListener, type ProbeTarget, type Reached } from './probe.js';
import { knownProcess, type KnownProcess, leftInSession } from './processes.js';
import type { JobSecret } from './secret.js';
import { startLocal } from './start-local.js';
import { stopJob } from './stop.js';

/** This host, with a guard that ends the job's processes should we die. */
export class LocalHost implements JobHost {
  private readonly launchId = randomUUID();
  private readonly known: KnownProcess[] = [];
  private readonly guard: Guard;
  private ranks: readonly RankProcess[] = [];
  private probes: ProbeListener | undefined;

  constructor(
    readonly name: string,
    readonly facts: HostFacts,
    private readonly means: { readonly secret: JobSecret; readonly sharesInput: boolean },
  ) {
    this.guard = new Guard(this.job);
  }

  get lost(): Promise<RingError> {
    return this.guard.lost;
  }

  async listenForProbes(): Promise<ProbeListener> {
    return (this.probes = await ProbeListener.open());
  }

  probe(targets: readonly ProbeTarget[], timeoutMs: number): Promise<Reached[]> {
    return probe(targets, timeoutMs);
  }

  endProbes(): void {
    this.probes?.close();
  }

  async start(starts: readonly RankStart[]): Promise<{ ranks: RankProcess[]; failure?: RingError }> {
    const { secret, sharesInput } = this.means;
    const settled = await Promise.allSettled(
      starts.map((start) => {
        const environment = { ...start.environment, TSRING_LAUNCH_ID: this.launchId };
        return startLocal({ ...start, environment }, { secretFd: secret.fd, sharesInput });
      }),
    );
    const ranks: RankProcess[] = [];
    let failure: RingError | undefined;
    for (const start of settled) {
      if (start.status === 'fulfilled') ranks.push(start.value);
      else if (start.reason instanceof RingError) failure ??= start.reason;
      else throw start.reason;
    }
    this.watchOver(ranks);
    return { ranks, ...(failure === undefined ? {} : { failure }) };
  }

  stop({ signal, graceMs, hurry }: HowToStop): Promise<number> {
    const ranksGone = Promise.all(this.ranks.map(({ exited }) => exited));
    return stopJob(this.job, { signal, graceMs, hurry, ranksGone });
  }

  async close(): Promise<void> {
    this.endProbes();
    await this.guard.dismiss();
  }

  abandon(): void {
    this.endProbes();
    this.guard.killJob();
  }

  private get job() {
    return { launchId: this.launchId, known: this.known };
  }

  private watchOver(ranks: readonly RankProcess[]): void {
    this.ranks = [...this.ranks, ...ranks];
    const leaders = new Map(ranks.map((rank) => [rank, knownProcess(rank.pid)]));
    this.known.push(...leaders.values());
    this.guard.watch(this.job);
    for (const [rank, leader] of leaders) {
      void rank.exited.then(() => {
        this.known.push(...leftInSession(leader));
        this.guard.watch(this.job);
      });
    }
  }
}
