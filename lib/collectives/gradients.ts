import * as tf from '@tensorflow/tfjs-core';
import { isTensor, type Value } from '../arguments.js';
import { RingError } from '../errors.js';

/**
 * Lets tfjs find its way back through an operation of ours: the gradient with respect to a value is `gradientOf` the gradient with
 * respect to its result. Where nothing is being recorded, and for typed arrays, it costs nothing.
 *
 * tfjs records what is done at once, so only operations that block are on its tape.
 *
 * @returns `results`
 */
export function differentiable(
  values: readonly Value[],
  results: readonly Value[],
  gradientOf: (gradient: tf.Tensor, index: number) => tf.Tensor,
): readonly Value[] {
  if (!tf.engine().isTapeOn() || !values.every(isTensor)) return results;
  return values.map((value, index) => {
    const record = tf.customGrad(() => ({
      value: results[index] as tf.Tensor,
      gradFunc: (gradient: tf.Tensor) => gradientOf(gradient, index),
    }));
    return record(value);
  });
}

/** The name of the operation that takes the gradient of value `index` back: the same on every rank. */
export function gradientName(name: string, index: number): string {
  return `${name}.gradient.${index}`;
}

/** @throws {RingError} `RING_UNSUPPORTED`: always */
export function noGradient(where: string, op: string): never {
  throw new RingError('RING_UNSUPPORTED', `${where}: op '${op}' has no gradient; 'sum' and 'average' have one`);
}
