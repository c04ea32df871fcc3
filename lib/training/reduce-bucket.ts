import type * as tf from '@tensorflow/tfjs-core';
import { startGroupedAllreduce } from '../collectives.js';
import type { ReduceOptions } from '../collectives/reduction.js';
import type { UnderWay } from '../collectives/under-way.js';
import { prescaled } from './predivide.js';
import type { ReduceSettings } from './reduce-settings.js';

/** Of the operation that reduces one bucket. */
export function optionsOf(name: string, { op, predivideFactor, compression }: ReduceSettings): ReduceOptions {
  return { name, op: predivideFactor === 1 ? op : 'sum', compression };
}

/** Starts the reduction of one bucket's gradients. They may be disposed of from then on. */
export function startBucket(
  name: string,
  settings: ReduceSettings,
  bucket: number,
  gradients: readonly tf.Tensor[],
  labels: readonly string[],
): UnderWay {
  const scaled = prescaled(gradients, settings);
  try {
    // The first has the reduction's own name, at which a rank that does something else is found out.
    const options = optionsOf(bucket === 0 ? name : `${name}.${bucket}`, settings);
    return startGroupedAllreduce(scaled.tensors, { ...options, labels });
  } finally {
    scaled.dispose();
  }
}
