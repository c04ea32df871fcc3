import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { Tf } from './models/net.js';
import { TruncatedNormal } from './truncated-normal.js';

export interface Batch {
  /** [batch, size, size, 3] float32, values about 7 to 247 as in an image of bytes. */
  readonly images: Tensor4D;
  /** [batch, classes] float32, one 1 a row. */
  readonly labels: Tensor2D;
}

/** One batch of noise with random labels, drawn as tf_cnn_benchmarks does; it is used at every step. The caller disposes it. */
export function syntheticBatch(tf: Tf, batch: number, imageSize: number, numClasses: number, seed: number): Batch {
  const random = new TruncatedNormal(seed);
  const classes = Int32Array.from({ length: batch }, () => random.integer(numClasses));
  return {
    images: tf.tensor4d(random.fill(batch * imageSize * imageSize * 3, 127, 60), [batch, imageSize, imageSize, 3]),
    labels: tf.tidy(() => tf.oneHot(tf.tensor1d(classes, 'int32'), numClasses).toFloat() as Tensor2D),
  };
}
