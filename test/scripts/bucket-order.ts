// Two ranks reduce gradients that are a bucket each, for some steps without and then with priority, the second one coming late: all buckets
// wait when it comes. The order in which they are reduced is in the timeline.
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { report } from './report.js';

await tf.setBackend('cpu');
await ring.init();
const count = 1 << 20;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const sums: unknown[] = [];
const variables = Array.from({ length: 8 }, (_, i) =>
  tf.variable(tf.tensor1d(new Float32Array(count)), true, `layer${i}`),
);
const gradients = variables.map(({ name }, i) => ({
  name,
  tensor: tf.tensor1d(new Float32Array(count).fill(i + ring.rank())),
}));
// Operations are let go one by one from the first that has a priority on.
for (const priority of [false, true]) {
  const options = { name: priority ? 'with' : 'without', overlap: true, bucketBytes: 4 * count, priority };
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), options);
  for (let step = 0; step < 4; step++) {
    ring.barrierSync();
    if (ring.rank() === 1) Atomics.wait(sleeper, 0, 0, 100);
    const reduced = optimizer.synchronize(gradients);
    sums.push(reduced.map(({ tensor }) => tensor.dataSync()[count - 1]));
    reduced.forEach(({ tensor }) => tensor.dispose());
  }
}
report(sums);
await ring.shutdown();
