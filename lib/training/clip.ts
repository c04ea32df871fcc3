import * as tf from '@tensorflow/tfjs-core';

/**
 * Scales tensors so that the norm of all of them together is at most `norm`. Nothing is read back from the backend. A norm that is
 * no number makes all results so: a step that went wrong is not hidden.
 *
 * @returns new tensors
 */
export function clippedToNorm(tensors: readonly tf.Tensor[], norm: number): tf.Tensor[] {
  return tf.tidy(() => {
    const squares = tensors.map((tensor) => tf.sum(tf.square(tensor)));
    if (squares.length === 0) return [];
    const factor = tf.minimum(1, tf.div(norm, tf.sqrt(tf.addN(squares))));
    return tensors.map((tensor) => tf.mul(tensor, factor));
  });
}
