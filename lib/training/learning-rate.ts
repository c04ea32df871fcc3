import type * as tf from '@tensorflow/tfjs-core';
import { invalid } from '../arguments.js';

/** All optimizers of tfjs have it, though only some have a method to set it. */
interface WithRate {
  learningRate?: unknown;
  setLearningRate?: (rate: number) => void;
}

/** @throws {RingError} `RING_INVALID_ARGUMENT` for an optimizer that has no number of that name */
export function learningRateOf(where: string, optimizer: tf.Optimizer): number {
  const { learningRate } = optimizer as object as WithRate;
  if (typeof learningRate === 'number') return learningRate;
  throw invalid(where, `${optimizer.getClassName()} has no learningRate that could be changed`);
}

export function setLearningRate(optimizer: tf.Optimizer, rate: number): void {
  const target = optimizer as object as WithRate;
  if (typeof target.setLearningRate === 'function') target.setLearningRate(rate);
  else target.learningRate = rate;
}
