import { tf } from '../backend.js';
import { makeSpirals, tensorsOf } from '../spirals.js';
import { accuracyOf } from '../tabular/model.js';
import { modelFile } from './file.js';

const model = await tf.loadLayersModel(modelFile(process.argv[2]!));
model.layers[1]!.trainable = false;
const optimizer = tf.train.adam(0.01);
model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

const [points, labels] = tensorsOf(makeSpirals(500, 0.9));
console.log(`before: ${accuracyOf(model, points, labels).toFixed(3)}`);
await model.fit(points, labels, { batchSize: 50, epochs: 30 });

console.log(`accuracy: ${accuracyOf(model, points, labels).toFixed(3)}`);
