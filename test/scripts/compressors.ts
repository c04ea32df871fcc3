// Two ranks: what the compressors that lose something give, step by step, and what they owe.
import assert from 'node:assert/strict';
import type { Tensor, TensorLike, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const rank = ring.rank();
const values = (tensor: Tensor) => Array.from(tensor.dataSync());
const done: string[] = [];

/** Steps of SGD with rate 1, so that weights are minus the sums of reduced gradients. */
function stepper(
  compression: ring.GradientCompressor,
  shapes: Record<string, number[]>,
  op: 'average' | 'sum' = 'average',
) {
  const variables = Object.entries(shapes).map(([name, shape]) => tf.variable(tf.zeros(shape), true, name));
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { compression, op });
  const step = (...gradients: TensorLike[]) => {
    const named = variables.map(({ name, shape }, i) => ({ name, tensor: tf.tensor(gradients[i]!, shape, 'float32') }));
    tf.tidy(() => optimizer.applyGradients(named));
    named.forEach(({ tensor }) => tensor.dispose());
    return variables.map((variable: Variable) => values(variable).map((x) => 0 - x));
  };
  return step;
}

{
  // Of four elements one travels, of a short vector all. What is left adds up until it is the largest.
  const step = stepper(ring.compressors.topK({ ratio: 0.25, minElements: 3 }), { 'top/a': [2, 2], 'top/b': [2] });
  const gradient =
    rank === 0
      ? [
          [8, 0],
          [3, 0],
        ]
      : [
          [0, 4],
          [0, -6],
        ];
  const seen = [1, 2, 3].map(() => step(gradient, [rank, 4])[0]);
  // Rank 0: 8, 8, 8, while 3 becomes 9. Rank 1: -6, then 8 of two steps, then -12 of two.
  assert.deepEqual(seen, [
    [4, 0, 0, -3],
    [8, 4, 0, -3],
    [8, 4, 4.5, -9],
  ]);
  assert.deepEqual(
    step(
      [
        [0, 0],
        [0, 0],
      ],
      [0, 0],
    )[1],
    [1.5, 12],
  );
  done.push('top-k');
}
{
  // A sum, in which both have the same index.
  const step = stepper(ring.compressors.topK({ ratio: 0.5, minElements: 1 }), { 'sum/a': [2] }, 'sum');
  assert.deepEqual(step([1, 10 + rank]), [[0, 21]]);
  done.push('top-k sum');
}
{
  // A matrix of rank 1 travels as it is, and so do vectors. Of one of rank 3, all arrives in the end.
  const compressor = ring.compressors.powerSgd({ rank: 1 });
  const step = stepper(compressor, { 'power/m': [2, 4, 5], 'power/v': [3] });
  const [left, right] = [
    [1, -2, 3, 0, 5, 1, 1, 2],
    [2, 0, 1, 1, -1],
  ];
  const plain = left.flatMap((x) => right.map((y) => x * y * (rank + 1)));
  const [m, v] = step(plain, [rank, 2, 3]);
  m!.forEach((x, i) => assert.ok(Math.abs(x - (plain[i]! / (rank + 1)) * 1.5) < 1e-4, `${x} at ${i}`));
  assert.deepEqual(v, [0.5, 2, 3]);
  done.push('PowerSGD');

  const other = stepper(ring.compressors.powerSgd({ rank: 2 }), { 'more/m': [8, 6] }, 'sum');
  const noise = Array.from({ length: 48 }, (_, i) => Math.sin(7 * i + 1) + (i % 3) * rank);
  let sum: number[] = [];
  for (let i = 0; i < 40; i++) [sum = []] = other(i === 0 ? noise : noise.map(() => 0));
  const both = (i: number) => 2 * Math.sin(7 * i + 1) + (i % 3);
  sum.forEach((x, i) => assert.ok(Math.abs(x - both(i)) < 1e-3, `${x} at ${i}, not ${both(i)}`));
  done.push('PowerSGD error feedback');
}
{
  // Small ones beside a large one round to nothing, and come when they have added up: each within a rounding in the end.
  const step = stepper(ring.compressors.int8(), { 'int8/a': [3] });
  let sum: number[] = [];
  for (let i = 0; i < 20; i++) [sum = []] = step([127, 0.25, -0.1]);
  for (const [i, exact] of [20 * 127, 5, -2].entries())
    assert.ok(Math.abs(sum[i]! - exact) <= 0.75, `${sum[i]}, not ${exact}`);
  done.push('int8');
}
{
  // Nothing is left behind by steps, and nothing at all once a compressor is disposed of.
  const all = [ring.compressors.topK(), ring.compressors.powerSgd({ rank: 1 }), ring.compressors.int8()];
  const variables = all.map((_, i) => `leaks/${i}`);
  const steps = all.map((compressor, i) => stepper(compressor, { [variables[i]!]: [20, 20] }));
  const gradient = new Float32Array(400).fill(rank);
  const before = tf.memory().numTensors;
  steps.forEach((step) => step(gradient));
  const warm = tf.memory().numTensors;
  steps.forEach((step) => step(gradient));
  assert.equal(tf.memory().numTensors, warm);
  all.forEach((compressor) => compressor.dispose());
  assert.equal(tf.memory().numTensors, before);
  done.push('leaks');
}

report(done);
await ring.shutdown();
