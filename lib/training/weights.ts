import type * as tf from '@tensorflow/tfjs-core';
import { invalid, isTensor, show } from '../arguments.js';

/** A layers model or a layer (anything with `weights` that can be read), or variables. */
export type Weights =
  { readonly weights: readonly { read(): tf.Tensor }[] } | readonly tf.Variable[] | tf.NamedTensorMap;

/** @throws {RingError} `RING_INVALID_ARGUMENT` for anything but variables that are not disposed */
export function variablesOf(where: string, weights: Weights): tf.Variable[] {
  const list = candidates(weights);
  if (list === undefined) {
    throw invalid(where, `the weights are ${show(weights)}; give a layers model, an array or a map of variables`);
  }
  list.forEach((value, index) => {
    if (!isVariable(value)) throw invalid(where, `weight ${index} is ${show(value)}, not a tf.Variable`);
    if (value.isDisposed) throw invalid(where, `variable ${JSON.stringify(value.name)} is disposed`);
  });
  return list as tf.Variable[];
}

function candidates(weights: unknown): unknown[] | undefined {
  if (typeof weights !== 'object' || weights === null || isTensor(weights)) return undefined;
  if (Array.isArray(weights)) return weights as unknown[];
  if (!('weights' in weights) || !Array.isArray(weights.weights))
    return Object.values(weights as Record<string, unknown>);
  return (weights.weights as { read(): tf.Tensor }[]).map((weight) => weight.read());
}

export function isVariable(value: unknown): value is tf.Variable {
  return isTensor(value) && typeof (value as Partial<tf.Variable>).assign === 'function';
}
