import * as ring from 'tsring'; // (1)
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import { tf } from '../backend.js';
import { makeSpirals, tensorsOf } from '../spirals.js';

await ring.init(); // (2)
const variable = (shape: number[], seed: number) => tf.variable(tf.randomNormal(shape, 0, 0.5, 'float32', seed));
const [into, bias, out] = [variable([2, 32], 1), variable([32], 2), variable([32, 2], 3)];
const variables: Variable[] = [into, bias, out];
const optimizer = tf.train.momentum(0.1, 0.9);
await ring.broadcastWeights(variables); // (3)

const [points, labels] = tensorsOf(makeSpirals(1000));
const [ownPoints, ownLabels] = [ring.shard(points), ring.shard(labels)]; // (4)

function lossOf(inputs: Tensor, truth: Tensor): Scalar {
  const hidden = tf.tanh(tf.add(tf.matMul(tf.mul(inputs, 6), into), bias));
  return tf.losses.softmaxCrossEntropy(truth, tf.matMul(hidden, out));
}

for (let step = 0; step < 100; step++) {
  tf.tidy(() => {
    const { grads } = ring.distributedGradients(() => lossOf(ownPoints, ownLabels), variables); // (5)
    optimizer.applyGradients(grads as never); // tfjs types the map as one of variables
  });
}

console.log(`loss: ${lossOf(points, labels).dataSync()[0]!.toFixed(5)}`);
