import * as tf from '@tensorflow/tfjs-core';
import { startGroupedAllreduce } from '../../collectives.js';
import { operationOn } from '../gradient-compressor.js';
import { finishWith } from './finish-with.js';
import { Owed, type LossyCompressor } from './owed.js';

/** Of the engine: elements that share a scale (native/kernel/quantize.h). */
const blockCount = 256;
const steps = 127;

/**
 * `compression: 'int8'` with error feedback: what the rounding to 8 bits took from this rank's gradient is added to its next one, so that
 * small gradients beside large ones are late and not lost. (What the rounding of the sums takes is not fed back.)
 */
export function int8(): LossyCompressor {
  const owed = new Owed();
  return {
    start(bucket) {
      const due = tf.tidy(() => {
        const due = bucket.gradients.map((gradient, i) => tf.keep(owed.due(bucket.variables[i]!, gradient)));
        due.forEach((tensor, i) => owed.keep(bucket.variables[i]!, tensor, rounded(tensor)));
        return due;
      });
      const { op, variables: labels } = bucket;
      const started = startGroupedAllreduce(due, { ...operationOn(bucket), op, labels, compression: 'int8' });
      tf.dispose(due);
      return finishWith(started, (results) => results as readonly tf.Tensor[]);
    },
    dispose: () => owed.dispose(),
  };
}

/** What a tensor becomes on its way: whole multiples of its block's scale. */
function rounded(tensor: tf.Tensor): tf.Tensor {
  const blocks = Math.ceil(tensor.size / blockCount);
  const flat = tf.reshape(tensor, [tensor.size]);
  const whole = tf.reshape(tf.pad(flat, [[0, blocks * blockCount - tensor.size]]), [blocks, blockCount]);
  const scales = tf.div(tf.max(tf.abs(whole), 1, true), steps);
  const multiples = tf.mul(tf.round(tf.divNoNan(whole, scales)), scales);
  return tf.reshape(tf.slice(tf.reshape(multiples, [blocks * blockCount]), 0, tensor.size), tensor.shape);
}
