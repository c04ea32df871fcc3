import type { NativeSession } from '../native/binding.js';
import type { TrialLog } from './trial-log.js';
import { TrialSearch, type Trial } from './trial-search.js';

export interface SampleSizes {
  /** Samples at the start that do not count. */
  readonly warmupSamples: number;
  readonly stepsPerSample: number;
}

/**
 * Finds the tuning of a job while it trains. All ranks count the same steps, and ask for another tuning after the same ones; which, the first
 * rank decides by its own times, and the engine has all ranks go by it from one operation to the next.
 */
export class Autotuner {
  private readonly search: TrialSearch;
  private warmupLeft: number;
  private stepMs: number[] = [];
  private bytes = 0;
  private lastStep: number | undefined;
  private ended = false;
  private settled = false;

  /**
   * @param ring - linked up; blocks in `retune` until all ranks have asked for it
   * @param first - what the ring goes by now
   * @param log - the first rank's
   * @param now - milliseconds
   */
  constructor(
    private readonly ring: Pick<NativeSession, 'retune' | 'connectedSockets'>,
    first: Trial,
    private readonly sizes: SampleSizes,
    private readonly log?: TrialLog,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.search = new TrialSearch(first, ring.connectedSockets());
    this.warmupLeft = sizes.warmupSamples;
  }

  /** All ranks have reduced the gradients of a step, of so many bytes. Blocks at the end of a sample. */
  stepped(bytes: number): void {
    if (this.ended) return;
    const now = this.now();
    if (this.lastStep !== undefined) {
      this.stepMs.push(now - this.lastStep);
      this.bytes += bytes;
    }
    this.lastStep = now;
    if (this.stepMs.length === this.sizes.stepsPerSample) this.endSample();
  }

  /** Ends the search with what is the best so far. All ranks call this together: the first time counts, also after the search has ended. */
  settle(): void {
    if (this.settled) return;
    this.settled = true;
    this.end();
  }

  private endSample(): void {
    const steps = this.stepMs.sort((a, b) => a - b);
    const median = steps[steps.length >> 1]!;
    const bytesPerSecond = this.bytes / steps.length / Math.max(median / 1000, 1e-9);
    this.stepMs = [];
    this.bytes = 0;
    if (this.warmupLeft > 0) this.warmupLeft -= 1;
    else this.tryNext(bytesPerSecond);
    this.lastStep = this.now();
  }

  private tryNext(bytesPerSecond: number): void {
    const tried = this.search.trial!;
    const best = this.search.score(bytesPerSecond);
    this.log?.tried(tried, bytesPerSecond, best);
    const next = this.search.trial;
    if (next === undefined) this.end();
    else this.ring.retune(next);
  }

  private end(): void {
    this.ring.retune(this.search.best);
    if (!this.ended) this.log?.chosen(this.search.best);
    this.ended = true;
  }
}
