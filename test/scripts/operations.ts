// What random-operations.ts does not have: handles, objects, sparse rows, Adasum, variables in place; each against a plain computation.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as ring from '../../lib/index.js';
import { Numbers } from './numbers.js';
import { caught, report } from './report.js';

await tf.setBackend('cpu');
const everyone = Array.from({ length: Number(process.env['TSRING_SIZE'] ?? 1) }, (_, index) => index);
await ring.init({ processSets: [new ring.ProcessSet(everyone.slice(-2))] });
const [rank, size] = [ring.rank(), ring.size()];
const ranks = Array.from({ length: size }, (_, index) => index);

// A handle is waited for or awaited, has one result, and one failure.
const handle = ring.allreduce(Float32Array.of(rank), { op: 'sum' });
const sum = handle.wait();
assert.deepEqual(sum, Float32Array.of((size * (size - 1)) / 2));
assert.equal(handle.poll(), true);
assert.equal(await handle, sum);
const refused = ring.allreduce(3 as never);
assert.equal(refused.poll(), true);
for (const way of [() => refused.wait(), () => refused])
  assert.equal((await caught(way)).code, 'RING_INVALID_ARGUMENT');
const pair = ring.groupedAllreduce([tf.scalar(rank), tf.scalar(1, 'int32')], { op: 'sum' });
assert.deepEqual(pair.wait().map((tensor) => tensor.dataSync()[0]), [(size * (size - 1)) / 2, size]); // prettier-ignore
tf.dispose(await pair);

// Objects of any size and kind.
const objects = await ring.allgatherObject({
  rank,
  map: new Map([[rank, 'x'.repeat(1000 * rank)]]),
  at: new Date(rank),
});
assert.deepEqual(
  objects,
  ranks.map((index) => ({ rank: index, map: new Map([[index, 'x'.repeat(1000 * index)]]), at: new Date(index) })),
);
for (const root of [0, size - 1])
  assert.deepEqual(await ring.broadcastObject(rank === root ? { root, huge: 1n << 70n } : 'nothing', root), {
    root,
    huge: 1n << 70n,
  });
const nothing: unknown = await ring.broadcastObject<unknown>(undefined);
assert.equal(nothing, undefined);
assert.deepEqual(ring.allgatherObjectSync({ rank }), ranks.map((index) => ({ rank: index }))); // prettier-ignore
assert.deepEqual(ring.broadcastObjectSync(new Set([rank]), size - 1), new Set([size - 1]));
assert.equal((await caught(() => ring.broadcastObjectSync(() => 1, rank))).code, 'RING_INVALID_ARGUMENT');
assert.equal((await caught(() => ring.allgatherObject(() => 1))).code, 'RING_INVALID_ARGUMENT');

// Rows that most ranks do not have: rank r brings r of them.
const own = {
  indices: Int32Array.from(ranks.slice(0, rank)),
  values: Float32Array.from({ length: 2 * rank }, () => rank),
};
const sparse = await ring.sparseAllreduce(own);
assert.deepEqual(
  [...sparse.indices],
  ranks.flatMap((index) => ranks.slice(0, index)),
);
assert.deepEqual(
  sparse.values,
  Float32Array.from(
    ranks.flatMap((index) => Array<number>(2 * index).fill(index)),
    (value) => value / size,
  ),
);
const tensors = ring.sparseAllreduceSync(
  { indices: tf.tensor1d([rank], 'int32'), values: tf.fill([1, 3], rank + 1) },
  { op: 'sum' },
);
assert.deepEqual(tensors.indices.arraySync(), ranks);
assert.deepEqual(tensors.values.arraySync(), ranks.map((index) => Array<number>(3).fill(index + 1))); // prettier-ignore
const processSet = ring.processSets()[1]!;
if (processSet.included()) {
  const [last] = processSet.ranks.slice(-1);
  assert.deepEqual(await ring.allgatherObject(`of ${rank}`, { processSet }), processSet.ranks.map((of) => `of ${of}`)); // prettier-ignore
  assert.equal(ring.broadcastObjectSync(`of ${rank}`, last, { processSet }), `of ${last}`);
  const few = await ring.sparseAllreduce(
    { indices: Int32Array.of(rank), values: Float64Array.of(rank, 1) },
    { processSet },
  );
  assert.deepEqual([...few.indices], processSet.ranks);
  assert.deepEqual([...few.values], processSet.ranks.flatMap((of) => [of, 1]).map((value) => value / processSet.size())); // prettier-ignore
}
const uneven = { indices: new Int32Array(2), values: new Float32Array(3) };
assert.equal((await caught(() => ring.sparseAllreduce(uneven))).code, 'RING_INVALID_ARGUMENT');

// A variable takes the root's numbers.
const variable = tf.variable(tf.tensor1d([rank, 1]));
assert.equal(await ring.broadcast(variable, size - 1, { inPlace: true }), variable);
assert.deepEqual(variable.arraySync(), [size - 1, 1]);

// Tensors in place that are views of one array: each is combined from what was there before.
const array = Float32Array.from({ length: 9 }, (_, place) => rank + place);
ring.groupedAllreduceSync([array.subarray(0, 6), array.subarray(3)], { op: 'sum', inPlace: true });
assert.deepEqual(
  [...array],
  Array.from(array, (_, place) => (size * (size - 1)) / 2 + size * place),
);

// Adasum, by its definition and in the documented order.
const gradient = (of: number, length: number) => {
  const numbers = new Numbers(of + length);
  return Float64Array.from({ length }, () => numbers.below(1000) / 500 - 0.7);
};
for (const lengths of [
  [1, 1000],
  [64, 3, 0],
]) {
  const given = lengths.map((length) => gradient(rank, length));
  const ways = [
    await ring.groupedAllreduce(given, { op: 'adasum' }),
    ring.groupedAllreduceSync(given, { op: 'adasum' }),
  ];
  for (const results of ways)
    lengths.forEach((length, index) => close(results[index]!, adasum(ranks.map((of) => gradient(of, length)))));
}
report('equal');
await ring.shutdown();

function adasum(vectors: Float64Array[]): Float64Array {
  const beyond = vectors.length - 2 ** Math.floor(Math.log2(vectors.length));
  let left = vectors.slice(2 * beyond);
  for (let index = beyond - 1; index >= 0; index--) left.unshift(added(vectors[2 * index]!, vectors[2 * index + 1]!));
  while (left.length > 1)
    left = left.filter((_, index) => index % 2 === 0).map((a, index) => added(a, left[2 * index + 1]!));
  return left[0]!;
}

function added(a: Float64Array, b: Float64Array): Float64Array {
  const [ab, aa, bb] = [product(a, b), product(a, a), product(b, b)];
  return a.map((x, i) => (1 - (aa > 0 ? ab / aa / 2 : 0)) * x + (1 - (bb > 0 ? ab / bb / 2 : 0)) * b[i]!);
}

function product(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, x, i) => total + x * b[i]!, 0);
}

function close(found: Float64Array, expected: Float64Array): void {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${value} for ${expected[i]}`));
}
