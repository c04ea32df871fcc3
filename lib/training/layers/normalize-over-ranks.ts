import * as tf from '@tensorflow/tfjs-core';
import { allgatherSync, allreduceSync } from '../../collectives.js';
import { within, type WithProcessSet } from '../within.js';

export interface Moments {
  /** With 1 in place of each axis that they are taken over. */
  readonly mean: tf.Tensor;
  /** The mean squared distance from the mean. */
  readonly variance: tf.Tensor;
  /** Elements of all ranks that each of them is taken over. */
  readonly count: tf.Scalar;
}

/**
 * x with mean 0 and variance 1 by the moments of what all ranks have. Blocks. Its gradient goes back through the moments as well: what all
 * ranks' losses want of them is summed over the ranks, in one operation. (There is no second gradient.)
 *
 * @param axes - all but those that each have moments of their own
 * @param onMoments - is given them, good until it returns
 */
export function normalizeOverRanks(
  name: string,
  x: tf.Tensor,
  axes: number[],
  epsilon: number,
  onMoments: (moments: Moments) => void,
  options: WithProcessSet,
): tf.Tensor {
  // Nothing is recorded inside of it, so gradients do not go through the operations one by one.
  const record = tf.customGrad((...given) => {
    const [input, save] = given as unknown as [tf.Tensor, tf.GradSaveFunc];
    const moments = momentsOverRanks(name, input, axes, options);
    onMoments(moments);
    const scale = tf.rsqrt(tf.add(moments.variance, epsilon));
    const value = tf.mul(tf.sub(input, moments.mean), scale);
    save([value, scale, moments.count]);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradientOf(name, dy, saved, axes, options) };
  });
  return record(x);
}

/**
 * Mean and variance of what all ranks have, in batches that may differ in size; a rank that has joined has nothing. The same bits on all.
 *
 * Each rank's own are combined (Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979), as
 * sums of squares would lose a variance that is small beside the mean.
 */
function momentsOverRanks(name: string, x: tf.Tensor, axes: number[], options: WithProcessSet): Moments {
  const own = tf.moments(x, axes, true);
  const { shape, size } = own.mean;
  const flat = (tensor: tf.Tensor) => tf.reshape(tensor, [1, size]);
  const row = tf.concat([flat(own.mean), flat(own.variance), tf.fill([1, 1], x.size / size)], 1);
  const rows = allgatherSync(row, { ...within(options), name });
  const [means, variances, counts] = tf.split(rows, [size, size, 1], 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const count = tf.sum<tf.Scalar>(counts);
  const weights = tf.div(counts, count);
  const mean = tf.sum(tf.mul(means, weights), 0, true);
  const spread = tf.add(variances, tf.square(tf.sub(means, mean)));
  const variance = tf.sum(tf.mul(spread, weights), 0);
  return { mean: tf.reshape(mean, shape), variance: tf.reshape(variance, shape), count };
}

/** With y = (x - mean) scale: dx = scale (dy - mean of dy - y times mean of (dy y)), with means over the elements of all ranks. */
function gradientOf(
  name: string,
  dy: tf.Tensor,
  saved: readonly tf.Tensor[],
  axes: number[],
  options: WithProcessSet,
): tf.Tensor {
  const [y, scale, count] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  const own = tf.stack([tf.sum(dy, axes, true), tf.sum(tf.mul(dy, y), axes, true)]);
  const sums = allreduceSync(own, { ...within(options), name: `${name}.gradient`, op: 'sum' });
  const [ofDy, ofDyY] = tf.unstack(tf.div(sums, count)) as [tf.Tensor, tf.Tensor];
  return tf.mul(scale, tf.sub(tf.sub(dy, ofDy), tf.mul(y, ofDyY)));
}
