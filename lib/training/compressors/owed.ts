import * as tf from '@tensorflow/tfjs-core';
import type { GradientCompressor } from '../gradient-compressor.js';

/** A compressor with error feedback: what it did not send of a gradient is owed, and added to that variable's next one. */
export interface LossyCompressor extends GradientCompressor {
  /** Forgets what is owed, and lets its memory go. */
  dispose(): void;
}

/** What this rank has not sent of the gradients, by variable: error feedback, as tensors of the gradients' size. */
export class Owed {
  private readonly byVariable = new Map<string, tf.Tensor>();

  /** The gradient with what is owed for its variable. A new tensor. */
  due(variable: string, gradient: tf.Tensor): tf.Tensor {
    const owed = this.byVariable.get(variable);
    const same = owed !== undefined && owed.shape.join() === gradient.shape.join();
    return same ? tf.add(gradient, owed) : tf.clone(gradient);
  }

  /** Owes `due - sent` from now on. */
  keep(variable: string, due: tf.Tensor, sent: tf.Tensor): void {
    const owed = tf.keep(tf.sub(due, sent));
    this.byVariable.get(variable)?.dispose();
    this.byVariable.set(variable, owed);
  }

  dispose(): void {
    this.byVariable.forEach((owed) => owed.dispose());
    this.byVariable.clear();
  }
}
