import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend.js';

/** Makes numbers of noise. */
export function buildGenerator(): LayersModel {
  return tf.sequential({
    layers: [tf.layers.dense({ inputShape: [4], units: 16, activation: 'relu' }), tf.layers.dense({ units: 1 })],
  });
}

/** Says, as a logit, whether a number is a real one. */
export function buildDiscriminator(): LayersModel {
  return tf.sequential({
    layers: [tf.layers.dense({ inputShape: [1], units: 16, activation: 'tanh' }), tf.layers.dense({ units: 1 })],
  });
}

/** What the generator is to imitate: numbers around 3. */
export function realNumbers(count: number): Tensor {
  return tf.randomNormal([count, 1], 3, 0.5);
}
