import * as ring from 'tsring'; // (1)
import { tf } from '../backend.js';
import { readDigits, shardOf, tensors } from './digits.js';
import { accuracyOf, buildModel } from './model.js';

await ring.init(); // (2)
const { train, test } = readDigits();

const model = buildModel();
const optimizer = new ring.DistributedOptimizer(tf.train.momentum(0.02 * ring.size(), 0.9)); // (3)
model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
await ring.broadcastWeights(model); // (4)

const [images, labels] = tensors(shardOf(train, ring.rank(), ring.size())); // (5)
await model.fit(images, labels, { batchSize: 50, epochs: 4 });

console.log(`held-out accuracy: ${accuracyOf(model, ...tensors(test)).toFixed(3)}`);
