import * as ring from 'tsring'; // (1)
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import { tf } from '../backend.js';
import { tensorsOf } from '../spirals.js';
import { accuracyOf, buildModel } from '../tabular/model.js';
import { batchesOf, files } from './files.js';

await ring.init(); // (2)
const model = buildModel();
model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
const variables = model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
const optimizer = new ring.DistributedOptimizer(tf.train.adam(0.01)); // (3)
await ring.broadcastWeights(model); // (4)
const own = ring.shard(files, { uneven: true }); // (5)

for (let epoch = 0; epoch < 20; epoch++) {
  for (const batch of batchesOf(own, 50)) {
    tf.tidy(() => {
      const [points, labels] = tensorsOf(batch);
      const loss = (): Scalar => tf.losses.logLoss(labels, model.apply(points) as Tensor);
      optimizer.minimize(loss, false, variables);
    });
  }
  const last = await ring.join(); // (6)
  await ring.broadcastWeights(model, last); // (7)
  await ring.broadcastOptimizerState(optimizer, last); // (8)
}

const [whole] = batchesOf(files, Infinity);
console.log(`accuracy: ${accuracyOf(model, ...tensorsOf(whole!)).toFixed(3)}`);
