import * as tf from '@tensorflow/tfjs-core';

/**
 * Scales tensors so that the norm of all of them together is at most `norm`. Nothing is read back from the backend. A norm that is
 * no number makes all results so: a step that went wrong is not hidden.
 *
 * @param total - gives the sum of squares of all there is, of that of the tensors given; these are all unless given
 * @returns new tensors
 */
export function clippedToNorm(
  tensors: readonly tf.Tensor[],
  norm: number,
  total: (squares: tf.Tensor) => tf.Tensor = (squares) => squares,
): tf.Tensor[] {
  return tf.tidy(() => {
    const squares = tensors.map((tensor) => tf.sum(tf.square(tensor)));
    if (squares.length === 0) return [];
    const factor = tf.minimum(1, tf.div(norm, tf.sqrt(total(tf.addN(squares)))));
    return tensors.map((tensor) => tf.mul(tensor, factor));
  });
}
