import type * as tf from '@tensorflow/tfjs-core';

/** An allreduce of gradients that has been opened, for an operation of TensorFlow's to carry out. */
export interface OpenReduction {
  readonly ticket: number;
  /** Indices of the gradients, in the order in which the operation has to hand them over. */
  readonly order: readonly number[];
}

/**
 * Makes an optimizer's step while its gradients are reduced: each piece of them is used as it comes, so that none is ever whole in memory.
 *
 * @param gradients - this rank's, none null; they stay the caller's
 * @param open - opens their reduction, unless it cannot be done so
 * @returns false where nothing was done, and nothing is open
 * @throws {RingError} as the reduction; weights are as before, and the message says so where what the optimizer remembers may be of this step in part
 */
export type ReducedStep = (
  optimizer: tf.Optimizer,
  gradients: Parameters<tf.Optimizer['applyGradients']>[0],
  open: () => OpenReduction | undefined,
) => boolean;

/** Of those `applyGradients` that know such a way. */
export const reducedSteps = new WeakMap<tf.Optimizer['applyGradients'], ReducedStep>();
