import type { LayersModel, Scalar, Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend.js';

/** A dense net of 784, 64 and 10: 50,890 parameters. */
export function buildModel(): LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [784], units: 64, activation: 'relu' }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
}

/** The share of `images` that the model, compiled with the accuracy metric, gets right. */
export function accuracyOf(model: LayersModel, images: Tensor, labels: Tensor): number {
  const [, accuracy] = model.evaluate(images, labels) as Scalar[];
  return accuracy!.dataSync()[0]!;
}
