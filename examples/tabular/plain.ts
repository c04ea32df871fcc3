import { tf } from '../backend.js';
import { makeSpirals, tensorsOf } from '../spirals.js';
import { accuracyOf, buildModel } from './model.js';

const model = buildModel();
const optimizer = tf.train.adam(0.01);
model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

const [points, labels] = tensorsOf(makeSpirals(1000));
await model.fit(points, labels, { batchSize: 50, epochs: 20 });

console.log(`accuracy: ${accuracyOf(model, points, labels).toFixed(3)}`);
