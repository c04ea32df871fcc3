import { median } from '../lib/statistics.js';

/** Arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Population standard deviation, as numpy's `std`. */
export function standardDeviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

export interface Speed {
  /** Images a second over all steps: their batch divided by their mean time. */
  readonly mean: number;
  /** Standard error of the steps' speeds: their standard deviation divided by the root of their number. */
  readonly uncertainty: number;
  /** 1.4826 times the median absolute deviation of the speeds: what the deviation is without outliers. */
  readonly jitter: number;
}

/**
 * The three figures of one row of tf_cnn_benchmarks.
 *
 * @param batch - images in a step, over all ranks
 * @param stepSeconds - time of each step so far, at least one
 */
export function speed(batch: number, stepSeconds: readonly number[]): Speed {
  const speeds = stepSeconds.map((seconds) => batch / seconds);
  const centre = median(speeds);
  return {
    mean: batch / mean(stepSeconds),
    uncertainty: standardDeviation(speeds) / Math.sqrt(speeds.length),
    jitter: 1.4826 * median(speeds.map((each) => Math.abs(each - centre))),
  };
}
