import * as tf from '@tensorflow/tfjs-core';
import type { ReduceSettings } from './reduce-settings.js';

/** What goes into the sum: the gradients over `predivideFactor`. `dispose` lets go of what was made here. */
export function prescaled(
  gradients: readonly tf.Tensor[],
  { predivideFactor }: ReduceSettings,
): { tensors: readonly tf.Tensor[]; dispose: () => void } {
  if (predivideFactor === 1) return { tensors: gradients, dispose: () => undefined };
  const tensors = gradients.map((gradient) => tf.div(gradient, predivideFactor));
  return { tensors, dispose: () => tf.dispose(tensors) };
}

/** What becomes of the sum: an average of `size` ranks, of what `prescaled` has divided. Disposes of the sum. */
export function rescaled(sums: tf.Tensor[], { predivideFactor }: ReduceSettings, size: number): tf.Tensor[] {
  if (predivideFactor === 1) return sums;
  const averages = sums.map((sum) => tf.mul(sum, predivideFactor / size));
  tf.dispose(sums);
  return averages;
}
