import type * as tf from '@tensorflow/tfjs-core';
import type { Value } from '../../arguments.js';
import { abandon, type UnderWay } from '../../collectives/under-way.js';
import type { BucketUnderWay } from '../gradient-compressor.js';

/**
 * A bucket under way by an operation of ours: `finish` makes the reduced gradients of its results.
 *
 * @param kept - tensors that `finish` needs; disposed of after it
 */
export function finishWith(
  started: UnderWay,
  finish: (results: readonly Value[]) => readonly tf.Tensor[],
  kept: readonly tf.Tensor[] = [],
): BucketUnderWay {
  const letGo = () => kept.forEach((tensor) => tensor.dispose());
  return {
    finish: () => {
      try {
        return finish(started.wait().values);
      } finally {
        letGo();
      }
    },
    abandon: () => {
      abandon(started);
      letGo();
    },
  };
}
