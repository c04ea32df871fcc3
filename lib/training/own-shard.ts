import * as tf from '@tensorflow/tfjs-core';

/** This rank's place among those that share something out. */
export interface Place {
  readonly rank: number;
  readonly size: number;
}

/** Which of `count` elements are this rank's, cut as `reducescatter` cuts rows: the first ranks have the one more that is over. */
export function ownRange(count: number, { rank, size }: Place): { begin: number; length: number } {
  const [each, over] = [Math.floor(count / size), count % size];
  return { begin: rank * each + Math.min(rank, over), length: each + (rank < over ? 1 : 0) };
}

/** This rank's elements of a tensor of any shape, as a tensor of rank 1. A new tensor. */
export function ownShard(tensor: tf.Tensor, place: Place): tf.Tensor {
  const { begin, length } = ownRange(tensor.size, place);
  return tf.tidy(() => tf.slice(tf.reshape(tensor, [tensor.size]), begin, length));
}
