import * as tf from '@tensorflow/tfjs-core';
import { invalid } from '../arguments.js';

/** What an optimizer remembers of one variable, such as a moment. */
export interface Slot {
  /** The variable's name, and what it is. */
  originalName: string;
  variable: tf.Variable;
}

/**
 * All that an optimizer remembers of variables: lists, each in the order of the gradients that the optimizer was given. tfjs's classes have
 * these lists in properties of their own.
 */
export function slotsOf(optimizer: tf.Optimizer): Slot[][] {
  return Object.values(optimizer as object).filter(isSlots);
}

function isSlots(value: unknown): value is Slot[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((slot: Partial<Slot> | null) => slot?.variable instanceof tf.Variable);
}

/**
 * Of an optimizer that updates each element of a weight by that element's gradient, and nothing else, which is so for tfjs's own, a part of
 * the weights can be updated alone. It cannot be seen of others.
 */
export function isElementwise(optimizer: tf.Optimizer): boolean {
  const classes = [
    tf.SGDOptimizer,
    tf.MomentumOptimizer,
    tf.RMSPropOptimizer,
    tf.AdamOptimizer,
    tf.AdamaxOptimizer,
    tf.AdagradOptimizer,
    tf.AdadeltaOptimizer,
  ];
  return classes.some(({ prototype }) => prototype.applyGradients === optimizer.applyGradients);
}

/** @throws {RingError} `RING_INVALID_ARGUMENT` */
export function checkElementwise(where: string, optimizer: tf.Optimizer): void {
  if (isElementwise(optimizer)) return;
  throw invalid(
    where,
    `${optimizer.getClassName()} has an applyGradients of its own: shardOptimizerState is right only where ` +
      "each element of a weight is updated by its own gradient alone; if that is so, say shardOptimizerState: 'elementwise'",
  );
}
