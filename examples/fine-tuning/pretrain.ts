// Trains a model on spirals and saves it. Argument: the file.
import { tf } from '../backend.js';
import { makeSpirals, tensorsOf } from '../spirals.js';
import { buildModel } from '../tabular/model.js';
import { modelFile } from './file.js';

const model = buildModel();
model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
await model.fit(...tensorsOf(makeSpirals(1000)), { batchSize: 50, epochs: 20 });
await model.save(modelFile(process.argv[2]!));
