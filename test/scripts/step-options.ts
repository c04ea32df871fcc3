// Two ranks: what each option of DistributedOptimizer does to a step. Numbers are small integers or halves of them, so sums are exact.
import assert from 'node:assert/strict';
import type { NamedTensorMap, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const rank = ring.rank();
const variable = (name: string, ...values: number[]) => tf.variable(tf.tensor1d(values), true, name);
const values = (tensor: Tensor) => Array.from(tensor.dataSync());
/** A loss whose gradient for the variable is `slope`. */
const slope = (v: Variable, gradient: number) => () => v.mul(gradient).sum<Scalar>();
const done: string[] = [];

{
  // Three passes a step: the mean of six gradients. The first two change nothing.
  const v = variable('passes/v', 0);
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { backwardPassesPerStep: 3 });
  const seen = [];
  for (const gradient of [1, 2, 3, 4, 5, 9]) {
    optimizer.minimize(slope(v, gradient + 6 * rank), false, [v]);
    seen.push(values(v)[0]);
  }
  assert.deepEqual([seen, optimizer.iterations], [[-0, -0, -5, -5, -5, -14].map((x) => x + 0), 2]);
  done.push('passes');
}
{
  // Their sum; a gradient that only one pass has.
  const [a, b] = [variable('sum/a', 0), variable('sum/b', 0)];
  const options = { backwardPassesPerStep: 2, averageAggregatedGradients: false };
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), options);
  optimizer.minimize(slope(a, 2), false, [a, b]);
  optimizer.minimize(slope(b, 4 * rank), false, [a, b]);
  assert.deepEqual([values(a), values(b)], [[-2], [-2]]);
  done.push('sum of passes');
}
{
  // noSync, also around what takes its time, and with different numbers of passes on the ranks.
  const v = variable('noSync/v', 0);
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1));
  optimizer.noSync(() => {
    for (let pass = 0; pass < 1 + rank; pass++) optimizer.minimize(slope(v, 6), false, [v]);
  });
  await optimizer.noSync(async () => {
    await Promise.resolve();
    optimizer.minimize(slope(v, 6), false, [v]);
  });
  assert.deepEqual(values(v), [0]);
  optimizer.minimize(slope(v, 6), false, [v]);
  assert.deepEqual(values(v), [-6]);
  optimizer.minimize(slope(v, 2 * rank), false, [v]);
  assert.deepEqual(values(v), [-7]);
  done.push('noSync');
}
{
  // Divided by 4 before the sum, and times 2 after it.
  const v = variable('predivide/v', 0);
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { gradientPredivideFactor: 4 });
  optimizer.minimize(slope(v, 8 * rank), false, [v]);
  assert.deepEqual(values(v), [-4]);
  done.push('predivide');
}
{
  // The norm of what is reduced, over all variables, and not of what one rank has: (6, 8) here, before it (0, 16) and (12, 0).
  const [a, b] = [variable('clip/a', 0), variable('clip/b', 0)];
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { clipNorm: 5 });
  const step = (scale: number) =>
    optimizer.minimize(slope(rank === 0 ? a : b, rank === 0 ? 12 * scale : 16 * scale), false, [a, b]);
  step(1);
  assert.deepEqual([values(a), values(b)], [[-3], [-4]]);
  step(0.25); // (1.5, 2) is left as it is
  assert.deepEqual([values(a), values(b)], [[-4.5], [-6]]);
  done.push('clipNorm');
}
{
  // A variable of each rank: not reduced, and a half of its gradient, as it has a part in one of two losses.
  const [a, own, late] = [variable('local/a', 0), variable('local/own', 0), variable('local/late', 0)];
  const options = { localVariables: [own], overlap: true, firstBucketBytes: 4, bucketBytes: 4 };
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), options);
  const loss = () =>
    tf.add<Scalar>(tf.add(a.mul(2 * rank).sum(), own.mul(8 * (rank + 1)).sum()), late.mul(4 * rank).sum());
  optimizer.minimize(loss, false, [a, own, late]);
  assert.deepEqual([values(a), values(own), values(late)], [[-1], [-4 * (rank + 1)], [-2]]);
  optimizer.registerLocalVariables([late]);
  for (let step = 0; step < 2; step++) optimizer.minimize(loss, false, [a, own, late]);
  assert.deepEqual([values(a), values(own), values(late)], [[-3], [-12 * (rank + 1)], [-2 - 4 * rank]]);
  const unscaled = new ring.DistributedOptimizer(tf.train.sgd(1), { ...options, scaleLocalGradients: false });
  unscaled.minimize(loss, false, [a, own]);
  assert.deepEqual(values(own), [-20 * (rank + 1)]);
  done.push('local variables');
}
{
  // Gradients to look at, and to change, between the reduction and the step.
  const v = variable('synchronize/v', 0);
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1));
  const { grads } = optimizer.computeGradients(slope(v, 8 * rank), [v]);
  assert.deepEqual(values(grads[v.name]!), [8 * rank]);
  const reduced: NamedTensorMap = optimizer.synchronize(grads as never);
  assert.deepEqual(values(reduced[v.name]!), [4]);
  optimizer.skipSynchronize(() => optimizer.applyGradients([{ name: v.name, tensor: tf.tensor1d([4 + rank]) }]));
  assert.deepEqual(values(v), [-4 - rank]);
  done.push('synchronize');
}
{
  // Groups of variables, by number and by name, with and without overlap; one is not in any.
  const [a, b, c] = [variable('groups/a', 0), variable('groups/b', 0), variable('groups/c', 0)];
  for (const overlap of [true, false]) {
    for (const groups of [2, [[c, a]], [[a], [b], [c]]]) {
      const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { groups, overlap });
      const loss = () => tf.add<Scalar>(a.mul(2 * rank).sum(), tf.add(b.mul(4).sum(), c.mul(6 * rank).sum()));
      for (let step = 0; step < 3; step++) optimizer.minimize(loss, false, [a, b, c]);
    }
  }
  assert.deepEqual([values(a), values(b), values(c)], [[-18], [-72], [-54]]);
  done.push('groups');
}
{
  // A variable that is not trained is left alone, and nothing is sent for it.
  const [a, fixed] = [variable('fixed/a', 0), tf.variable(tf.tensor1d([7]), false, 'fixed/fixed')];
  const optimizer = new ring.DistributedOptimizer(tf.train.momentum(1, 0.5));
  for (let step = 0; step < 2; step++)
    optimizer.minimize(() => tf.add<Scalar>(a.mul(2 * rank).sum(), fixed.sum()), false, [a, fixed]);
  assert.deepEqual([values(a), values(fixed)], [[-2.5], [7]]);
  done.push('not trained');
}
{
  // A subclass that changes gradients on their way: reduced at the end of it.
  class Doubling extends tf.SGDOptimizer {
    override computeGradients(f: () => Scalar, variables?: Variable[]) {
      const { value, grads } = super.computeGradients(f, variables);
      return { value, grads: Object.fromEntries(Object.entries(grads).map(([name, grad]) => [name, grad.mul(2)])) };
    }
  }
  const [a, b] = [variable('own way/a', 0), variable('own way/b', 0)];
  const options = { overlap: true, firstBucketBytes: 4, bucketBytes: 4 };
  const optimizer = new ring.DistributedOptimizer(new Doubling(1), options);
  const loss = () => tf.add<Scalar>(a.mul(2 * rank).sum(), b.sum());
  for (let step = 0; step < 3; step++) tf.tidy(() => void optimizer.minimize(loss, false, [a, b]));
  assert.deepEqual([values(a), values(b)], [[-6], [-6]]);
  done.push('own way');
}
{
  // Nothing is left behind, by any of it, nor by a loss that throws when buckets are under way on all ranks.
  const [a, b] = [variable('leak/a', 1, 2), variable('leak/b', 3)];
  const options = {
    overlap: true,
    firstBucketBytes: 4,
    bucketBytes: 4,
    backwardPassesPerStep: 2,
    clipNorm: 1,
    gradientPredivideFactor: 2,
  };
  const optimizer = new ring.DistributedOptimizer(tf.train.momentum(0.1, 0.9), options);
  const loss = () => tf.add<Scalar>(a.square().sum(), b.square().sum());
  const steps = () => {
    for (let pass = 0; pass < 4; pass++) optimizer.minimize(loss, false, [a, b]);
  };
  steps();
  const before = tf.memory().numTensors;
  steps();
  tf.dispose(ring.distributedGradients(loss, [a, b], options));
  assert.equal(tf.memory().numTensors, before);
  done.push('leaks');
}
{
  // A step that fails in the middle of backward, on all ranks, leaves the next one whole.
  const [a, b] = [variable('fails/a', 0), variable('fails/b', 0)];
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), {
    overlap: true,
    firstBucketBytes: 4,
    bucketBytes: 4,
  });
  const failing = tf.customGrad((x) => ({
    value: (x as Tensor).clone(),
    gradFunc: () => {
      throw new Error('no gradient');
    },
  }));
  const loss = (fails: boolean) => () => tf.add<Scalar>(fails ? failing(a).sum() : a.sum(), b.mul(2 * rank).sum());
  optimizer.minimize(loss(false), false, [a, b]);
  const error = await caught(() => optimizer.minimize(loss(true), false, [a, b]));
  assert.match(error.message, /no gradient/);
  await ring.barrier();
  optimizer.minimize(loss(false), false, [a, b]);
  assert.deepEqual([values(a), values(b)], [[-2], [-2]]);
  done.push('failed step');
}

report(done);
await ring.shutdown();
