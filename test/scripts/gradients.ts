// The gradient of every operation on tensors, over all ranks and over process sets: of the sum over the ranks of what each makes of its
// result, which plain derivatives give.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

await tf.setBackend('cpu');
const everyone = Array.from({ length: Number(process.env['TSRING_SIZE'] ?? 1) }, (_, rank) => rank);
await ring.init({ processSets: [new ring.ProcessSet(everyone.slice(-2))] });
for (const set of ring.processSets().filter((each) => each.included())) await checkGradients(set);
report('equal');
await ring.shutdown();

async function checkGradients(processSet: ring.ProcessSet): Promise<void> {
  const [rank, size] = [processSet.rank(), processSet.size()];
  const ranks = Array.from({ length: size }, (_, place) => place);
  const weights = ranks.map((place) => place + 1);
  const total = weights.reduce((a, b) => a + b, 0);

  /** The gradient of `weight * sum(f(x))` on this rank, where the rank at place r weighs r + 1. */
  const gradientOf = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): number[] => {
    const weighed = (given: tf.Tensor) => tf.mul<tf.Scalar>(tf.sum(f(given)), rank + 1);
    return [...tf.grad(weighed)(x).dataSync()];
  };
  const expectGradient = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, expected: readonly number[]): void => {
    const found = gradientOf(f, x);
    assert.equal(found.length, expected.length);
    found.forEach((value, i) =>
      assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${found.join()} for ${expected.join()}`),
    );
  };

  const on = { processSet };
  const sum = { ...on, op: 'sum' } as const;
  const factors = { ...sum, prescaleFactor: 2, postscaleFactor: 0.25 } as const;
  const x = tf.fill([3], rank + 1);
  expectGradient((v) => ring.allreduceSync(v, sum), x, same(3, total));
  expectGradient((v) => ring.allreduceSync(v, on), x, same(3, total / size));
  expectGradient((v) => ring.allreduceSync(v, factors), x, same(3, total / 2));
  expectGradient((v) => ring.groupedAllreduceSync([v, tf.mul(v, 2)], sum)[1]!, x, same(3, 2 * total));

  const rows = tf.ones([rank + 1, 2]); // as many rows as this rank weighs
  expectGradient((v) => ring.allgatherSync(v, on), rows, same(2 * (rank + 1), total));
  expectGradient((v) => ring.groupedAllgatherSync([v], on)[0]!, rows, same(2 * (rank + 1), total));

  // Each rank has other rows, and one in common with all.
  const indices = tf.tensor1d([0, rank + 1], 'int32');
  const sparse = tf.ones([2, 3]);
  expectGradient((v) => ring.sparseAllreduceSync({ indices, values: v }, sum).values, sparse, same(6, total));
  expectGradient((v) => ring.sparseAllreduceSync({ indices, values: v }, on).values, sparse, same(6, total / size));

  for (const root of [0, size - 1]) {
    const mine = rank === root ? total : 0;
    expectGradient((v) => ring.broadcastSync(v, processSet.ranks[root], on), x, same(3, mine));
  }

  // Row i ends at the rank whose share it is in, and counts with that rank's weight.
  const shared = tf.ones([size + 1, 2]);
  const weightOfRow = ranks.flatMap((of) => same((of === 0 ? 2 : 1) * 2, of + 1));
  const divided = (divisor: number) => weightOfRow.map((weight) => weight / divisor);
  expectGradient((v) => ring.reducescatterSync(v, sum), shared, weightOfRow);
  expectGradient((v) => ring.reducescatterSync(v, on), shared, divided(size));
  expectGradient((v) => ring.groupedReducescatterSync([v], factors)[0]!, shared, divided(2));

  // Rank r gives s rows to rank s.
  const splits = ranks;
  const given = tf.ones([splits.reduce((a, b) => a + b, 0), 2]);
  const weightOfSplit = ranks.flatMap((to) => same(2 * to, to + 1));
  expectGradient((v) => ring.alltoallSync(v, { ...on, splits }).value, given, weightOfSplit);

  // The gradient of a gradient: of (sum over ranks of x) squared, twice.
  const second = tf.grad((v) => tf.sum(tf.grad((u) => tf.sum(tf.square(ring.allreduceSync(u, sum))))(v)));
  assert.deepEqual([...second(tf.scalar(rank)).dataSync()], [2 * size * size]);

  for (const op of ['max', 'adasum'] as const) {
    const error = await caught(() => gradientOf((v) => ring.allreduceSync(v, { ...on, op }), x));
    assert.equal(error.code, 'RING_UNSUPPORTED');
  }
}

function same(length: number, value: number): number[] {
  return Array<number>(length).fill(value);
}
