import { tf } from '../backend.js';
import { readDigits, tensors } from './digits.js';
import { accuracyOf, buildModel } from './model.js';

const { train, test } = readDigits();

const model = buildModel();
const optimizer = tf.train.momentum(0.02, 0.9);
model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

const [images, labels] = tensors(train);
await model.fit(images, labels, { batchSize: 50, epochs: 4 });

console.log(`held-out accuracy: ${accuracyOf(model, ...tensors(test)).toFixed(3)}`);
