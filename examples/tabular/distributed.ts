import * as ring from 'tsring'; // (1)
import { tf } from '../backend.js';
import { makeSpirals, tensorsOf } from '../spirals.js';
import { accuracyOf, buildModel } from './model.js';

await ring.init(); // (2)
const model = buildModel();
const optimizer = new ring.DistributedOptimizer(tf.train.adam(0.01)); // (3)
model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
await ring.broadcastWeights(model); // (4)

const [points, labels] = tensorsOf(makeSpirals(1000));
await model.fit(ring.shard(points), ring.shard(labels), { batchSize: 25, epochs: 20 }); // (5)

console.log(`accuracy: ${accuracyOf(model, points, labels).toFixed(3)}`);
