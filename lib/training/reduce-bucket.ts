import * as tf from '@tensorflow/tfjs-core';
import { startGroupedAllreduce } from '../collectives.js';
import { startGroupedReducescatter } from '../collectives/reducescatter.js';
import type { ReduceOptions } from '../collectives/reduction.js';
import type { UnderWay } from '../collectives/under-way.js';
import { startCompressed } from './gradient-compressor.js';
import { prescaled } from './predivide.js';
import type { ReduceSettings } from './reduce-settings.js';
import { within } from './within.js';

/** Of the operation that reduces one bucket. */
export function optionsOf(name: string, settings: ReduceSettings): ReduceOptions {
  const { op, predivideFactor, compression } = settings;
  return { name, op: predivideFactor === 1 ? op : 'sum', compression, ...within(settings) };
}

/** Starts the reduction of one bucket's gradients. They must be good until it has ended. */
export function startBucket(
  name: string,
  settings: ReduceSettings,
  bucket: number,
  gradients: readonly tf.Tensor[],
  labels: readonly string[],
  size: number,
): UnderWay {
  // The first has the reduction's own name, at which a rank that does something else is found out.
  const own = bucket === 0 ? name : `${name}.${bucket}`;
  const { compressor, op } = settings;
  if (compressor !== undefined && op !== 'adasum')
    return startCompressed(compressor, { name: own, gradients, variables: labels, op, size, ...within(settings) });
  const scaled = prescaled(gradients, settings);
  try {
    if (settings.scatter) return startScatter(scaled.tensors, own, settings);
    return startGroupedAllreduce(scaled.tensors, { ...optionsOf(own, settings), labels });
  } finally {
    scaled.dispose();
  }
}

function startScatter(tensors: readonly tf.Tensor[], name: string, settings: ReduceSettings): UnderWay {
  const flat = tensors.map((tensor) => tf.reshape(tensor, [tensor.size]));
  try {
    const { op } = optionsOf(name, settings);
    return startGroupedReducescatter(flat, { name, ...(op !== undefined && { op }), ...within(settings) });
  } finally {
    tf.dispose(flat);
  }
}
