import * as tf from '@tensorflow/tfjs-core';
import { startGroupedAllreduce } from '../collectives.js';
import { startGroupedReducescatter } from '../collectives/reducescatter.js';
import type { ReduceOptions } from '../collectives/reduction.js';
import type { UnderWay } from '../collectives/under-way.js';
import { mostBucketBytes } from './bucket-plan.js';
import { startCompressed } from './gradient-compressor.js';
import { prescaled } from './predivide.js';
import type { ReduceSettings } from './reduce-settings.js';
import { sliceElements, startInSlices } from './start-in-slices.js';
import { within } from './within.js';

/** The buckets that one model's gradients are reduced in, step after step. */
export interface Buckets {
  readonly settings: ReduceSettings;
  /** Of the reduction. */
  readonly name: string;
  /** Ranks that take part. */
  readonly size: number;
  /** Names of the variables, the model's first layer first. */
  readonly variables: readonly string[];
  /** Indices of variables by bucket, in the order in which backward completes them. */
  readonly plan: readonly (readonly number[])[];
}

/** Of the operation that reduces one bucket. */
export function optionsOf(name: string, settings: ReduceSettings): ReduceOptions {
  const { op, predivideFactor, compression } = settings;
  return { name, op: predivideFactor === 1 ? op : 'sum', compression, ...within(settings) };
}

/**
 * Starts the reduction of one bucket.
 *
 * @param gradients - by variable; those of the bucket must be good until it has ended
 */
export function startBucket(buckets: Buckets, index: number, gradients: readonly tf.Tensor[]): UnderWay {
  const { settings, size } = buckets;
  const places = buckets.plan[index]!;
  const own = places.map((place) => gradients[place]!);
  const variables = places.map((place) => buckets.variables[place]!);
  // The first has the reduction's own name, at which a rank that does something else is found out.
  const name = index === 0 ? buckets.name : `${buckets.name}.${index}`;
  const turn = settings.priority ? { priority: priorityOf(places, buckets.variables.length) } : {};
  const { compressor, op } = settings;
  if (compressor !== undefined && op !== 'adasum') {
    return startCompressed(compressor, {
      ...{ name, gradients: own, variables, op, size },
      ...turn,
      ...within(settings),
    });
  }
  const scaled = prescaled(own, settings);
  try {
    const options = { ...optionsOf(name, settings), ...turn };
    if (settings.scatter) return startScatter(scaled.tensors, options);
    if (splits(settings, own)) {
      const startSlice = (slice: tf.Tensor, number: number) =>
        startGroupedAllreduce([slice], {
          ...options,
          name: number === 0 ? name : `${name}/${number}`,
          labels: variables,
        });
      return startInSlices(scaled.tensors[0]!, elementsOfSlice(settings), startSlice);
    }
    return startGroupedAllreduce(scaled.tensors, { ...options, labels: variables });
  } finally {
    scaled.dispose();
  }
}

/** Whether a bucket of these gradients is reduced in slices: one gradient that is larger than buckets are. */
export function splits(settings: ReduceSettings, gradients: readonly tf.Tensor[]): boolean {
  return settings.splitLarge && gradients.length === 1 && gradients[0]!.size > elementsOfSlice(settings);
}

function elementsOfSlice({ bucketBytes = mostBucketBytes }: ReduceSettings): number {
  return sliceElements(bucketBytes);
}

/** Above 0, and the larger the nearer to the model's front the bucket's first variable is. */
export function priorityOf(places: readonly number[], variables: number): number {
  return variables - Math.min(...places);
}

function startScatter(tensors: readonly tf.Tensor[], options: ReduceOptions): UnderWay {
  const flat = tensors.map((tensor) => tf.reshape(tensor, [tensor.size]));
  try {
    return startGroupedReducescatter(flat, options);
  } finally {
    tf.dispose(flat);
  }
}
