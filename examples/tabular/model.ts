import type { LayersModel, Scalar, Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend.js';

export function buildModel(): LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [2], units: 32, activation: 'tanh' }),
      tf.layers.dense({ units: 32, activation: 'tanh' }),
      tf.layers.dense({ units: 2, activation: 'softmax' }),
    ],
  });
}

/** The share that the model, compiled with the accuracy metric, gets right. */
export function accuracyOf(model: LayersModel, points: Tensor, labels: Tensor): number {
  const [, accuracy] = model.evaluate(points, labels) as Scalar[];
  return accuracy!.dataSync()[0]!;
}
