// The gradient of every operation on tensors: of the sum over all ranks of what each makes of its result, which plain derivatives give.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

await tf.setBackend('cpu');
await ring.init();
const [rank, size] = [ring.rank(), ring.size()];
const ranks = Array.from({ length: size }, (_, index) => index);
const weights = ranks.map((index) => index + 1);
const total = weights.reduce((a, b) => a + b, 0);

/** The gradient of `weight * sum(f(x))` on this rank, where rank r weighs r + 1. */
function gradientOf(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): number[] {
  return [
    ...tf
      .grad((given) => tf.mul<tf.Scalar>(tf.sum(f(given)), rank + 1))(x)
      .dataSync(),
  ];
}
function expectGradient(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, expected: readonly number[]): void {
  const found = gradientOf(f, x);
  assert.equal(found.length, expected.length);
  found.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${found.join()} for ${expected.join()}`),
  );
}
const same = (length: number, value: number) => Array<number>(length).fill(value);

const x = tf.fill([3], rank + 1);
expectGradient((v) => ring.allreduceSync(v, { op: 'sum' }), x, same(3, total));
expectGradient((v) => ring.allreduceSync(v), x, same(3, total / size));
const factors = { op: 'sum', prescaleFactor: 2, postscaleFactor: 0.25 } as const;
expectGradient((v) => ring.allreduceSync(v, factors), x, same(3, total / 2));
expectGradient((v) => ring.groupedAllreduceSync([v, tf.mul(v, 2)], { op: 'sum' })[1]!, x, same(3, 2 * total));

const rows = tf.ones([rank + 1, 2]); // as many rows as this rank weighs
expectGradient((v) => ring.allgatherSync(v), rows, same(2 * (rank + 1), total));
expectGradient((v) => ring.groupedAllgatherSync([v])[0]!, rows, same(2 * (rank + 1), total));

for (const root of [0, size - 1])
  expectGradient((v) => ring.broadcastSync(v, root), x, same(3, rank === root ? total : 0));

// Row i ends at the rank whose share it is in, and counts with that rank's weight.
const shared = tf.ones([size + 1, 2]);
const weightOfRow = ranks.flatMap((of) => same((of === 0 ? 2 : 1) * 2, of + 1));
expectGradient((v) => ring.reducescatterSync(v, { op: 'sum' }), shared, weightOfRow);
expectGradient((v) => ring.reducescatterSync(v), shared, weightOfRow.map((weight) => weight / size)); // prettier-ignore
expectGradient((v) => ring.groupedReducescatterSync([v], factors)[0]!, shared, weightOfRow.map((weight) => weight / 2)); // prettier-ignore

// Rank r gives s rows to rank s.
const splits = ranks;
const given = tf.ones([splits.reduce((a, b) => a + b, 0), 2]);
expectGradient((v) => ring.alltoallSync(v, { splits }).value, given, ranks.flatMap((to) => same(2 * to, to + 1))); // prettier-ignore

// The gradient of a gradient: of (sum over ranks of x) squared, twice.
const second = tf.grad((v) => tf.sum(tf.grad((u) => tf.sum(tf.square(ring.allreduceSync(u, { op: 'sum' }))))(v)));
assert.deepEqual([...second(tf.scalar(rank)).dataSync()], [2 * size * size]);

for (const op of ['max', 'adasum'] as const)
  assert.equal((await caught(() => gradientOf((v) => ring.allreduceSync(v, { op }), x))).code, 'RING_UNSUPPORTED');
report('equal');
await ring.shutdown();
