import * as ring from 'tsring'; // (1)
import { tf } from '../backend.js';
import { makeSpirals, tensorsOf } from '../spirals.js';
import { accuracyOf } from '../tabular/model.js';
import { modelFile } from './file.js';

await ring.init(); // (2)
const model = await tf.loadLayersModel(ring.fromRank0(modelFile(process.argv[2]!))); // (3)
model.layers[1]!.trainable = false;
const optimizer = new ring.DistributedOptimizer(tf.train.adam(0.01)); // (4)
model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

const [points, labels] = tensorsOf(makeSpirals(500, 0.9));
console.log(`before: ${accuracyOf(model, points, labels).toFixed(3)}`);
await model.fit(ring.shard(points), ring.shard(labels), { batchSize: 25, epochs: 30 }); // (5)

console.log(`accuracy: ${accuracyOf(model, points, labels).toFixed(3)}`);
