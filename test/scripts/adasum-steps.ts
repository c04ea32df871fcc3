// Ranks train with op 'adasum', and alongside compute what it should give: a copy of the optimizer steps on copies of the variables, and the
// changes of all ranks are combined by the definition of Adasum, in the documented order.
import assert from 'node:assert/strict';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const [rank, size] = [ring.rank(), ring.size()];
const values = (tensor: Tensor) => Array.from(tensor.dataSync());
const variable = (name: string, ...numbers: number[]) => tf.variable(tf.tensor1d(numbers), true, name);
const done: string[] = [];

function adasum(a: number[], b: number[]): number[] {
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  const [ab, aa, bb] = [dot(a, b), dot(a, a), dot(b, b)];
  const [ofA, ofB] = [aa > 0 ? 1 - ab / aa / 2 : 1, bb > 0 ? 1 - ab / bb / 2 : 1];
  return a.map((x, i) => ofA * x + ofB * b[i]!);
}

/** Of two or three ranks: the first two, and then the third. */
function combined(name: string, own: number[]): number[] {
  const all = Array.from(ring.allgatherSync(Float64Array.from(own), { name }));
  const byRank = Array.from({ length: size }, (_, i) => all.slice(i * own.length, (i + 1) * own.length));
  return byRank.reduce(adasum);
}

const makers = {
  sgd: () => tf.train.sgd(0.5),
  momentum: () => tf.train.momentum(0.1, 0.9),
  adam: () => tf.train.adam(0.1),
};
for (const [name, make] of Object.entries(makers)) {
  const [a, b] = [variable(`${name}/a`, 1, 2, 3), variable(`${name}/b`, -1, 0.5)];
  const copies = [variable(`${name}/copy a`, 1, 2, 3), variable(`${name}/copy b`, -1, 0.5)] as const;
  const optimizer = new ring.DistributedOptimizer(make(), { op: 'adasum', backwardPassesPerStep: 2 });
  const plain = make();
  const lossOf = (x: Variable, y: Variable, pass: number) => () =>
    tf.add<Scalar>(
      x
        .mul(tf.tensor1d([rank + 1, pass, 1]))
        .square()
        .sum(),
      y.mul(tf.tensor1d([rank === 0 ? 3 : 0, rank === 0 ? 0 : pass + 1])).sum(),
    );
  for (let step = 0; step < 4; step++) {
    tf.tidy(() => {
      for (const pass of [0, 1]) optimizer.minimize(lossOf(a, b, pass), false, [a, b]);
      const [x, y] = copies;
      const before = copies.map((copy) => values(copy));
      const mean = () => tf.div<Scalar>(tf.add(lossOf(x, y, 0)(), lossOf(x, y, 1)()), 2);
      plain.minimize(mean, false, [x, y]);
      copies.forEach((copy, i) => {
        const change = values(copy).map((value, j) => value - before[i]![j]!);
        const all = combined(`${name} ${step} ${i}`, change);
        copy.assign(tf.tensor1d(before[i]!.map((value, j) => value + all[j]!)));
      });
    });
    for (const [i, weights] of [a, b].entries())
      values(weights).forEach((value, j) => {
        const expected = values(copies[i]!)[j]!;
        assert.ok(
          Math.abs(value - expected) <= 1e-5 * Math.max(1, Math.abs(expected)),
          `${name} ${step}: ${value}, not ${expected}`,
        );
      });
  }
  const bits = Array.from(
    ring.allgatherSync(Float32Array.from([...values(a), ...values(b)]), { name: `${name} bits` }),
  );
  bits.forEach((value, i) => assert.equal(value, bits[i % 5], 'the same on all ranks'));
  done.push(name);
}
{
  // A rank's own variables stay so; one that has a gradient on one rank alone is everyone's.
  const [own, single] = [variable('own', 0), variable('single', 0)];
  const options = { op: 'adasum', localVariables: [own] } as const;
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), options);
  const loss = () =>
    rank === 0 ? tf.add<Scalar>(own.mul(-1).sum(), single.mul(-2).sum()) : own.mul(-1 - rank).sum<Scalar>();
  const step = () => tf.tidy(() => void optimizer.minimize(loss, false, [own, single]));
  step();
  const before = tf.memory().numTensors;
  step();
  assert.deepEqual([values(own), values(single)], [[2 * (1 + rank)], [4]]);
  assert.equal(tf.memory().numTensors, before);
  done.push('variables');
}
{
  const v = variable('synchronize', 0);
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { op: 'adasum' });
  const { message } = await caught(() => optimizer.synchronize([{ name: v.name, tensor: tf.tensor1d([1]) }]));
  assert.match(message, /with op 'adasum' no gradients are reduced/);
  optimizer.skipSynchronize(() => optimizer.applyGradients([{ name: v.name, tensor: tf.tensor1d([rank]) }]));
  assert.deepEqual(values(v), [0 - rank]);
  done.push('methods');
}

report(done);
await ring.shutdown();
