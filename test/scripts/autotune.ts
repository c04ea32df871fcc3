// Trains while the ring looks for a tuning; rank 0 has fewer steps than the others where an argument says so. Every step's gradients are
// compared with a plain computation, and operations by promises go on beside them.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { report } from './report.js';

const [steps = 1, fewer = 0] = process.argv.slice(2).map(Number);
await tf.setBackend('cpu');
await ring.init();
const [rank, size] = [ring.rank(), ring.size()];
const variables = [20_000, 7, 3000].map((length) => tf.variable(tf.ones([length])));
const own = fewer > 0 && rank === 0 ? steps - fewer : steps;
for (let step = 0; step < own; step++) {
  const beside = ring.allreduce(Float32Array.of(1, 2), { name: 'beside', op: 'sum' });
  const { grads } = ring.distributedGradients(
    () =>
      variables
        .map((variable) => tf.sum<tf.Scalar>(tf.mul(variable, rank + step)))
        .reduce((sum, part) => tf.add(sum, part)),
    variables,
    { op: 'sum', overlap: true, firstBucketBytes: 4096, bucketBytes: 16_384 },
  );
  const present = fewer > 0 && step >= steps - fewer ? [...Array(size).keys()].slice(1) : [...Array(size).keys()];
  const expected = present.reduce((sum, from) => sum + from + step, 0);
  for (const gradient of Object.values(grads)) {
    assert.ok(
      gradient.dataSync().every((value) => value === expected),
      `step ${step}`,
    );
    gradient.dispose();
  }
  assert.deepEqual([...(await beside)], [present.length, 2 * present.length]);
}
if (fewer > 0) assert.notEqual(await ring.join(), 0);
const after = ring.groupedAllreduceSync([new Float32Array(50_000).fill(rank), Float32Array.of(1)], { op: 'sum' });
assert.ok(after[0]!.every((value) => value === (size * (size - 1)) / 2));
report('equal');
await ring.shutdown();
