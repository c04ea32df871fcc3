import { median } from '../lib/statistics.js';

/** What the protocol needs of the ring; all calls block, and all ranks make the same ones in the same order. */
export interface Ring {
  readonly rank: number;
  readonly size: number;
  /** Sum over all ranks, in place. */
  allreduce(values: Float32Array): void;
  barrier(): void;
  /** Largest over all ranks, element by element. */
  maximum(values: Float64Array): Float64Array;
  /** Rank 0's value. */
  agree(value: number): number;
}

export interface Limits {
  /** Time that the rounds of one size should take together. */
  readonly budgetSeconds: number;
  readonly minIterations: number;
  readonly maxIterations: number;
}

export interface Measurement {
  readonly ranks: number;
  readonly bytes: number;
  readonly iterations: number;
  readonly minSeconds: number;
  readonly medianSeconds: number;
  readonly maxSeconds: number;
  /** Seconds a call where one follows the other without a barrier between. */
  readonly backToBackSeconds: number;
  readonly correct: boolean;
}

/**
 * Times in-place float32 sums of one size.
 *
 * 1. Fresh values, one call, every element checked on every rank.
 * 2. Three warm-up rounds, from the fastest of which rank 0 picks the number of rounds that fits the budget.
 * 3. Barrier, clock, call, clock: a round's time is its slowest rank's.
 * 4. Back to back: as many calls after one barrier, in three batches; time a call in the fastest batch, on the slowest rank.
 *
 * Other systems' benches follow the same protocol, so that their rows can stand beside ours.
 */
export function measure(ring: Ring, bytes: number, limits: Limits): Measurement {
  const values = new Float32Array(bytes / 4);
  const correct = check(ring, values);
  values.fill(0); // sums of sums would overflow
  const round = () => {
    ring.barrier();
    return seconds(() => ring.allreduce(values));
  };
  const fastest = Math.min(round(), round(), round());
  const wanted = Math.floor(limits.budgetSeconds / Math.max(fastest, 1e-7));
  const iterations = ring.agree(Math.max(limits.minIterations, Math.min(limits.maxIterations, wanted)));
  const slowest = [...ring.maximum(Float64Array.from({ length: iterations }, round))];
  return {
    ranks: ring.size,
    bytes,
    iterations,
    minSeconds: slowest.reduce((a, b) => Math.min(a, b)),
    medianSeconds: median(slowest),
    maxSeconds: slowest.reduce((a, b) => Math.max(a, b)),
    backToBackSeconds: backToBack(ring, values, iterations),
    correct,
  };
}

/**
 * Rounds until V8 has compiled what a round runs through: it does so on threads of its own, which want the cores that the ranks wait on.
 * Once a process, before the first size. Where messages take long the rounds end after some seconds.
 */
export function warmUp(ring: Ring): void {
  const value = new Float32Array(1);
  const start = performance.now();
  for (let i = 1; i <= 10_000; i++) {
    ring.barrier();
    seconds(() => ring.allreduce(value));
    if (i % 10 === 0 && ring.maximum(Float64Array.of(performance.now() - start))[0]! > 5000) return;
  }
}

/** One call on values whose float32 sum is exact and which differ by element and rank. */
function check(ring: Ring, values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) values[i] = (ring.rank + 1) * (1 + (i % 97));
  ring.allreduce(values);
  const ranks = (ring.size * (ring.size + 1)) / 2;
  let wrong = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== ranks * (1 + (i % 97))) wrong = 1;
  return ring.maximum(Float64Array.of(wrong))[0] === 0;
}

function backToBack(ring: Ring, values: Float32Array, iterations: number): number {
  const batch = iterations >= 15 ? Math.floor(iterations / 3) : iterations;
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    ring.barrier();
    const own = seconds(() => {
      for (let call = 0; call < batch; call++) ring.allreduce(values);
    });
    const slowest = ring.maximum(Float64Array.of(own))[0]!;
    best = Math.min(best, slowest / batch);
    if (iterations < 15 && slowest > 4) break; // the same on all ranks: enough seen of so slow a size
  }
  return best;
}

function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1e3;
}
