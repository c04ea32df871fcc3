// Ranks train a small net on handwritten digits on parameter servers, each at its own pace, and report how good it became.
import * as ring from '../../../dist/lib/index.js';
import { accuracyOf, buildModel } from '../../../examples/mnist/model.js';
import { readDigits, shardOf, tensors } from '../../../examples/mnist/digits.js';
import { tf } from '../../../examples/backend.js';
import { report } from '../report.js';

await ring.init();
const { train, test } = readDigits();
const model = buildModel();
const optimizer = new ring.ParameterServerOptimizer(tf.train.momentum(0.05, 0.9));
model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
// Digits come in turn, 0 to 9: every third has all of them, and every second but five.
const [images, labels] = tensors(shardOf(train, ring.rank(), 3));
await model.fit(images, labels, { batchSize: 50, epochs: 3 });
await ring.barrier();
await optimizer.pullWeights();
report({ accuracy: accuracyOf(model, ...tensors(test)), iterations: optimizer.iterations });
