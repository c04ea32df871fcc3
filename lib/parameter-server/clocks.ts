/**
 * Who is how many steps ahead of whom: the bound of stale synchronous parallel training (Ho et al., More Effective Distributed ML via a Stale
 * Synchronous Parallel Parameter Server, 2013). A worker may be at most `bound` steps ahead of the slowest that still trains.
 */
export class Clocks {
  /** Steps of each worker; Infinity once it has left. */
  private readonly steps: number[];

  /** @param bound - 0: all make their steps side by side; Infinity: nobody waits */
  constructor(
    workers: number,
    private readonly bound: number,
  ) {
    this.steps = Array<number>(workers).fill(0);
  }

  tick(worker: number): void {
    this.steps[worker]! += 1;
  }

  leave(worker: number): void {
    this.steps[worker] = Infinity;
  }

  /** Those that `worker` must wait for before its next step; none: it may go on. */
  behind(worker: number): number[] {
    const least = this.steps[worker]! - this.bound;
    return this.steps.flatMap((steps, other) => (steps < least ? [other] : []));
  }

  /** Workers that still train. */
  training(): number[] {
    return this.steps.flatMap((steps, worker) => (steps === Infinity ? [] : [worker]));
  }
}
