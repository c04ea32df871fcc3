import type { AlgorithmCost, Work } from '../native/binding.js';

/** One timed size. */
export interface Point {
  readonly work: Work;
  readonly nanoseconds: number;
}

/**
 * The cost of a step and of a byte that come nearest to the times of one algorithm, in proportion: half as long is as wrong as twice as
 * long, for 4 bytes as for a megabyte. Adding bytes is taken to cost what it is said to.
 */
export function fitCost(points: readonly Point[], combinePicoseconds: number): AlgorithmCost {
  // Least squares of steps * step + bytes * byte = time, each line divided by its time.
  let ss = 0;
  let sb = 0;
  let bb = 0;
  let st = 0;
  let bt = 0;
  for (const { work, nanoseconds } of points) {
    const steps = work.steps / nanoseconds;
    const bytes = work.movedBytes / nanoseconds;
    const time = 1 - (work.combinedBytes * combinePicoseconds) / 1000 / nanoseconds;
    ss += steps * steps;
    sb += steps * bytes;
    bb += bytes * bytes;
    st += steps * time;
    bt += bytes * time;
  }
  const determinant = ss * bb - sb * sb;
  let step = determinant > 0 ? (st * bb - bt * sb) / determinant : st / ss;
  let byte = determinant > 0 ? (bt * ss - st * sb) / determinant : 0;
  // Nothing costs less than nothing: what would is left out, and the other takes all.
  if (byte < 0) [step, byte] = [st / ss, 0];
  if (step < 0) [step, byte] = [0, bt / bb];
  return { stepNanoseconds: whole(step), bytePicoseconds: whole(byte * 1000) };
}

/** Nanoseconds. The same sum as the engine's. */
export function predict(work: Work, cost: AlgorithmCost, combinePicoseconds: number): number {
  return (
    work.steps * cost.stepNanoseconds +
    (work.movedBytes * cost.bytePicoseconds + work.combinedBytes * combinePicoseconds) / 1000
  );
}

function whole(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(Math.round(value), 0), 4_294_967_295) : 0;
}
