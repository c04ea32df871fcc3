// Ranks train a variable larger than a bucket in slices and whole, and report weights, operations a step and tensors left. Argument: backend.
import type { Scalar } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { bridge } from '../../lib/tensors/bridge.js';
import { openBackend } from '../helpers/backends.js';
import { report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
let operations = 0;
const own = bridge();
const start = own.start.bind(own);
own.start = (...args) => {
  operations += 1;
  return start(...args);
};

const shape = [700, 3];
const numbers = Float32Array.from({ length: 2100 }, (_, i) => Math.sin(i * 7 + 1 + 100 * ring.rank()));
const results: Record<string, unknown> = {};
for (const compression of ['none', 'int8'] as const)
  for (const splitLarge of [false, true]) {
    const large = tf.variable(tf.zeros(shape));
    const small = tf.variable(tf.scalar(0));
    const options = { overlap: true, bucketBytes: 1030, firstBucketBytes: 4, splitLarge, compression };
    const optimizer = new ring.DistributedOptimizer(tf.train.sgd(0.1), options);
    const input = tf.tensor(numbers, shape);
    const loss = () => large.mul(input).sum().add<Scalar>(small.mul(ring.rank()));
    const step = () => tf.tidy(() => void optimizer.minimize(loss, false, [large, small]));
    step();
    const before = tf.memory().numTensors;
    operations = 0;
    step();
    const counted = operations;
    tf.tidy(() => optimizer.applyGradients([{ name: large.name, tensor: input }]));
    results[`${compression} ${splitLarge ? 'split' : 'whole'}`] = {
      weights: [...large.dataSync(), ...small.dataSync()],
      operations: counted,
      leaked: tf.memory().numTensors - before,
    };
    tf.dispose([large, small, input]);
    optimizer.dispose();
  }
report(results);
await ring.shutdown();
