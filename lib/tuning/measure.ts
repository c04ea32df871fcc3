import type { AlgorithmCosts, AlgorithmName, NativeAddon, NativeSession } from '../native/binding.js';
import { fitCost, type Point, predict } from './fit.js';

/** What the measuring needs of a ring. */
export interface Ring {
  readonly native: NativeSession;
  /** Largest over all ranks, element by element. */
  readonly maximum: (values: Float64Array) => Float64Array;
}

/** Median times of one size, by algorithm, in nanoseconds. */
export interface TimedSize {
  readonly bytes: number;
  readonly nanoseconds: ReadonlyMap<AlgorithmName, number>;
}

const sizes = [256, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];
const budgetNanoseconds = 60e6; // a size and algorithm
const mostRounds = 500;
const leastRounds = 5;

/** Adding a byte to another is taken to cost this: what it costs besides shows in an algorithm's bytes. */
export const combinePicoseconds = 60;

/** Times each algorithm with each size. All ranks call this at the same time. */
export function timeAlgorithms(ring: Ring, algorithms: readonly AlgorithmName[]): TimedSize[] {
  return sizes.map((bytes) => ({
    bytes,
    nanoseconds: new Map(algorithms.map((algorithm) => [algorithm, timeOne(ring, algorithm, bytes)])),
  }));
}

/** The median of rounds, each as long as on its slowest rank. */
function timeOne({ native, maximum }: Ring, algorithm: AlgorithmName, bytes: number): number {
  const trial = Math.min(...maximum(native.time({ algorithm, bytes, rounds: 3 })));
  const rounds = Math.max(leastRounds, Math.min(mostRounds, Math.floor(budgetNanoseconds / trial)));
  const slowest = maximum(native.time({ algorithm, bytes, rounds })).sort();
  return slowest[slowest.length >> 1]!;
}

/** The costs that come nearest to the times. */
export function costsOf(addon: NativeAddon, ranks: number, times: readonly TimedSize[]): Partial<AlgorithmCosts> {
  const names = [...(times[0]?.nanoseconds.keys() ?? [])];
  const fitted = names.map((algorithm) => {
    const points: Point[] = times.map(({ bytes, nanoseconds }) => ({
      work: addon.workOf({ algorithm, ranks, bytes }),
      nanoseconds: nanoseconds.get(algorithm)!,
    }));
    return [algorithm, fitCost(points, combinePicoseconds)];
  });
  return Object.fromEntries(fitted) as Partial<AlgorithmCosts>;
}

/** What the engine will choose by these costs for a size that was timed. */
export function chosen(
  addon: NativeAddon,
  ranks: number,
  { bytes, nanoseconds }: TimedSize,
  costs: Partial<AlgorithmCosts>,
): AlgorithmName {
  const predicted = [...nanoseconds.keys()].map((algorithm) => ({
    algorithm,
    cost: predict(addon.workOf({ algorithm, ranks, bytes }), costs[algorithm]!, combinePicoseconds),
  }));
  return predicted.reduce((best, next) => (next.cost < best.cost ? next : best)).algorithm;
}
