// Two ranks: buckets reduced by a compressor of the script's own. Numbers are small integers or halves of them, so sums are exact.
import assert from 'node:assert/strict';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const rank = ring.rank();
const variable = (name: string, ...values: number[]) => tf.variable(tf.tensor1d(values), true, name);
const values = (tensor: Tensor) => Array.from(tensor.dataSync());
const done: string[] = [];
const small = { overlap: true, firstBucketBytes: 4, bucketBytes: 4 };

{
  // Whole numbers travel alone, and what is left of a gradient goes along with that variable's next one.
  const left = new Map<string, number[]>();
  const calls: string[] = [];
  const compressor: ring.GradientCompressor = {
    start({ name, gradients, variables, op, size }) {
      calls.push(`${name.slice(-1)} ${variables.join()} ${op} ${size}`);
      const whole = gradients.map((gradient, index) => {
        const owed = left.get(variables[index]!) ?? [0];
        const due = values(gradient).map((x, i) => x + owed[i]!);
        left.set(
          variables[index]!,
          due.map((x) => x - Math.trunc(x)),
        );
        return Int32Array.from(due.map(Math.trunc));
      });
      const handles = whole.map((numbers, index) => ring.allreduce(numbers, { name: `${name}/${index}`, op: 'sum' }));
      return { finish: () => handles.map((handle) => tf.div(tf.tensor1d(handle.wait(), 'float32'), size)) };
    },
    restart() {
      calls.push('restart');
      left.clear();
    },
  };
  const [a, b] = [variable('state/a', 0), variable('state/b', 0)];
  const options = { ...small, compression: compressor, name: 'state' };
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), options);
  const loss = () => tf.add<Scalar>(a.mul(0.5 + 2 * rank).sum(), b.mul(3 * rank).sum());
  const before = tf.memory().numTensors;
  const seen = [1, 2, 3, 4].map(() => {
    optimizer.minimize(loss, false, [a, b]);
    return [values(a)[0], values(b)[0]];
  });
  // Of a: 0 and 2, then 1 and 3. Of b: 0 and 3.
  const expected = [
    [-1, -1.5],
    [-3, -3],
    [-4, -4.5],
    [-6, -6],
  ];
  assert.deepEqual(seen, expected);
  assert.equal(calls[0], 'restart');
  assert.equal(calls.length, 9);
  assert.deepEqual([...new Set(calls.slice(1))].sort(), ['1 state/a average 2', 'e state/b average 2']);
  assert.equal(tf.memory().numTensors, before);
  done.push('state');
}
{
  // A function, which may block; with clipping, and for a loop without an optimizer.
  const [a, b] = [variable('hook/a', 0), variable('hook/b', 0)];
  const compression: ring.GradientHook = ({ name, gradients, op }) =>
    ring.groupedAllreduceSync(
      gradients.map((gradient) => tf.mul(gradient, 2)),
      { name, op },
    );
  const loss = () => tf.add<Scalar>(a.mul(6 * rank).sum(), b.mul(8 * rank).sum());
  const options = { ...small, compression, op: 'sum' as const };
  for (let step = 0; step < 3; step++) {
    const { value, grads } = tf.tidy(() => ring.distributedGradients(loss, [a, b], options));
    assert.deepEqual([values(grads[a.name]!), values(grads[b.name]!)], [[12], [16]]);
    tf.dispose([value, grads]);
  }
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { ...options, clipNorm: 5, overlap: false });
  optimizer.minimize(loss, false, [a, b]);
  assert.deepEqual([values(a), values(b)], [[-3], [-4]]);
  done.push('function');
}
{
  // What it gives is looked at.
  const v = variable('wrong/v', 0);
  const loss = () => v.sum<Scalar>();
  const messages = [];
  for (const given of [[], [tf.zeros([1, 1])], undefined]) {
    const options = { compression: () => given as Tensor[], name: 'wrong' };
    const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), options);
    messages.push((await caught(() => optimizer.minimize(loss, false, [v]))).message);
  }
  assert.deepEqual(messages, [
    'wrong: compression gave 0 tensors for 1 gradients',
    'wrong: compression gave [1, 1] for the gradient of "wrong/v", which is [1]',
    'wrong: compression gave undefined for 1 gradients',
  ]);
  done.push('results');
}
{
  // A step that fails in the middle of backward gives up what was begun, and the next one is whole.
  const [a, b] = [variable('fails/a', 0), variable('fails/b', 0)];
  const ends: string[] = [];
  const compression: ring.GradientCompressor = {
    start({ name, gradients, op }) {
      const handles = gradients.map((gradient, index) => ring.allreduce(gradient, { name: `${name}/${index}`, op }));
      const finish = () => handles.map((handle) => handle.wait());
      return {
        finish: () => {
          ends.push('finish');
          return finish();
        },
        abandon: () => {
          ends.push('abandon');
          tf.dispose(finish());
        },
      };
    },
  };
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { ...small, compression });
  const failing = tf.customGrad((x) => ({
    value: (x as Tensor).clone(),
    gradFunc: () => {
      throw new Error('no gradient');
    },
  }));
  const loss = (fails: boolean) => (): Scalar => tf.add(fails ? failing(a).sum() : a.sum(), b.mul(2 * rank).sum());
  const step = (fails: boolean) => optimizer.minimize(loss(fails), false, [a, b] satisfies Variable[]);
  step(false);
  assert.match((await caught(() => step(true))).message, /no gradient/);
  await ring.barrier();
  step(false);
  assert.deepEqual([values(a), values(b)], [[-2], [-2]]);
  assert.deepEqual(ends, ['finish', 'finish', 'abandon', 'finish', 'finish']);
  done.push('abandoned');
}

report(done);
await ring.shutdown();
