// Runs random operations, over all ranks and over process sets, named, submitted in an order of each rank's own, and in blocking form;
// compares every result with a plain computation. Arguments: seed, number of operations.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import * as ring from '../../lib/index.js';
import { Numbers } from './numbers.js';
import { report } from './report.js';

const [seed = 1, count = 100] = process.argv.slice(2).map(Number);

const length = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 63, 64, 65, 1023), fc.nat(5000));
const plan = fc.record({
  kind: fc.constantFrom(
    'allreduce',
    'groupedAllreduce',
    'allgather',
    'groupedAllgather',
    'broadcast',
    'reducescatter',
    'groupedReducescatter',
    'alltoall',
    'barrier',
  ),
  form: fc.constantFrom(
    'Float32Array',
    'Float64Array',
    'Int8Array',
    'Int16Array',
    'Int32Array',
    'BigInt64Array',
    'Uint8Array',
    'Uint16Array',
    'float32',
    'int32',
    'bool',
  ),
  op: fc.constantFrom('average', 'sum', 'min', 'max', 'product'),
  lengths: fc.array(length, { minLength: 1, maxLength: 5 }),
  root: fc.nat(1000),
  inPlace: fc.boolean(),
  prescaleFactor: fc.constantFrom(1, 2, 0.5),
  postscaleFactor: fc.constantFrom(1, 1, 0.5, -2),
  priority: fc.constantFrom(undefined, undefined, 0, 7, -7),
  /** Of the sets below; half of the operations go over all ranks. */
  set: fc.constantFrom(0, 0, 1, 2),
  seed: fc.nat(),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;
type Form = Plan['form'];
type PlainValue = Exclude<ring.Value, ring.DeviceBuffer>;

await tf.setBackend('cpu');
const everyone = Array.from({ length: Number(process.env['TSRING_SIZE'] ?? 1) }, (_, rank) => rank);
const some = [everyone.slice(-3), everyone.filter((rank) => rank % 2 === 0)];
await ring.init({ processSets: some.map((ranks) => new ring.ProcessSet(ranks)) });
const sets = ring.processSets();
const plans = fc.sample(plan, { seed, numRuns: count });
const own = new Numbers(seed + 1 + ring.rank());
let done = 0;
for (let start = 0; start < plans.length; start += 10) {
  // Names come again, with something else behind them at first, and then with the same.
  const batch = plans.slice(start, start + 10).map((p, index) => ({ p, name: `operation ${index}` }));
  const mine = batch.filter(({ p }) => setOf(p).included());
  for (let pass = 0; pass < 2; pass++) {
    const begun = own.shuffled(mine).map(({ p, name }) => ({ p, handle: begin(p, name) }));
    // Half of the batches block, handle by handle, in an order of this rank's own.
    for (const { p, handle } of own.shuffled(begun)) {
      check(p, listOf(start % 20 === 0 ? handle.wait() : await handle));
      assert.equal(handle.poll(), true);
    }
  }
  for (const { p } of mine) check(p, runSync(p));
  done += 3 * mine.length;
}
report({ operations: done });
await ring.shutdown();

function setOf({ set }: Plan): ring.ProcessSet {
  return sets[set]!;
}

/** The ranks that take part. */
function ranksOf(p: Plan): readonly number[] {
  return setOf(p).ranks;
}

/** Which of them this one is. */
function placeIn(p: Plan): number {
  return setOf(p).rank();
}

function rootOf(p: Plan): number {
  return ranksOf(p)[p.root % ranksOf(p).length]!;
}

/** Values that rank `rank` brings: small integers, so that sums and products are exact in every dtype. */
function values({ seed, kind, form, lengths }: Plan, rank: number): number[][] {
  const numbers = new Numbers(seed + 7919 * rank);
  const lowest = form === 'bool' ? 0 : form.startsWith('U') ? 0 : -3;
  const limit = form === 'bool' ? 2 : 4 - lowest;
  const tensors = kind.startsWith('grouped') ? lengths : lengths.slice(0, 1);
  const ragged = kind.endsWith('llgather') || kind === 'alltoall' ? rank % 3 : 0;
  return tensors.map((length) => Array.from({ length: length + ragged }, () => lowest + numbers.below(limit)));
}

function make(form: Form, numbers: readonly number[]): PlainValue {
  switch (form) {
    case 'Float32Array':
      return Float32Array.from(numbers);
    case 'Float64Array':
      return Float64Array.from(numbers);
    case 'Int8Array':
      return Int8Array.from(numbers);
    case 'Int16Array':
      return Int16Array.from(numbers);
    case 'Uint16Array':
      return Uint16Array.from(numbers);
    case 'Int32Array':
      return Int32Array.from(numbers);
    case 'BigInt64Array':
      return BigInt64Array.from(numbers, BigInt);
    case 'Uint8Array':
      return Uint8Array.from(numbers);
    default:
      return tf.tensor1d([...numbers], form);
  }
}

function inputs(p: Plan): ring.Value[] {
  return values(p, ring.rank()).map((numbers) => make(p.form, numbers));
}

function reduceOptions(p: Plan, name?: string): ring.ReduceOptions {
  const { form, op, inPlace } = p;
  const tensor = !form.endsWith('Array');
  const [prescaleFactor, postscaleFactor] = factors(p);
  return {
    ...{ ...callOptions(p, name), op: opOf(form, op), prescaleFactor, postscaleFactor },
    ...(p.kind.endsWith('llreduce') && { inPlace: inPlace && !tensor }),
  };
}

function callOptions(p: Plan, name?: string): ring.NamedOptions {
  const priority = p.priority && p.priority + ring.rank(); // only the first rank's counts
  return { ...(name !== undefined && { name }), ...(priority !== undefined && { priority }), processSet: setOf(p) };
}

/** A product that wraps around is not scaled, nor is what is no number. */
function factors({ form, op, prescaleFactor, postscaleFactor }: Plan): [before: number, after: number] {
  if (form === 'bool' || op === 'product') return [1, 1];
  return [prescaleFactor, form.includes('nt') ? Math.abs(postscaleFactor) : postscaleFactor];
}

function opOf(form: Form, op: Plan['op']): Plan['op'] {
  return form === 'bool' && op === 'average' ? 'max' : op;
}

/** How many of so many rows each rank gets: all of the ragged part to one of them, and nothing to another. */
function splitsOf(p: Plan, rows: number, rank: number): number[] {
  const numbers = new Numbers(p.seed + rank);
  const splits = ranksOf(p).map(() => 0);
  for (let left = rows; left > 0;) {
    const some = 1 + numbers.below(left);
    splits[numbers.below(splits.length)]! += some;
    left -= some;
  }
  return splits;
}

type Result = ring.Value | ring.Value[] | ring.Exchanged<ring.Value> | undefined;

function begin(p: Plan, name: string): ring.Handle<Result> {
  const given = inputs(p);
  const options = reduceOptions(p, name);
  switch (p.kind) {
    case 'allreduce':
      return ring.allreduce(given[0]!, options);
    case 'groupedAllreduce':
      return ring.groupedAllreduce(given, options);
    case 'allgather':
      return ring.allgather(given[0]!, callOptions(p, name));
    case 'groupedAllgather':
      return ring.groupedAllgather(given, callOptions(p, name));
    case 'broadcast':
      return ring.broadcast(given[0]!, rootOf(p), {
        ...callOptions(p, name),
        inPlace: p.inPlace && p.form.endsWith('Array'),
      });
    case 'reducescatter':
      return ring.reducescatter(given[0]!, options);
    case 'groupedReducescatter':
      return ring.groupedReducescatter(given, options);
    case 'alltoall':
      return ring.alltoall(given[0]!, { ...callOptions(p, name), splits: splitsOf(p, rowsOf(given[0]!), ring.rank()) });
    case 'barrier':
      return ring.barrier(callOptions(p, name)) as ring.Handle<undefined>;
  }
}

function runSync(p: Plan): ring.Value[] {
  const given = inputs(p);
  const options = reduceOptions(p);
  switch (p.kind) {
    case 'allreduce':
      return [ring.allreduceSync(given[0]!, options)];
    case 'groupedAllreduce':
      return ring.groupedAllreduceSync(given, options);
    case 'allgather':
      return [ring.allgatherSync(given[0]!, callOptions(p))];
    case 'groupedAllgather':
      return ring.groupedAllgatherSync(given, callOptions(p));
    case 'broadcast':
      return [ring.broadcastSync(given[0]!, rootOf(p), callOptions(p))];
    case 'reducescatter':
      return [ring.reducescatterSync(given[0]!, options)];
    case 'groupedReducescatter':
      return ring.groupedReducescatterSync(given, options);
    case 'alltoall':
      return listOf(
        ring.alltoallSync(given[0]!, { ...callOptions(p), splits: splitsOf(p, rowsOf(given[0]!), ring.rank()) }),
      );
    case 'barrier':
      ring.barrierSync(callOptions(p));
      return [];
  }
}

function rowsOf(value: ring.Value): number {
  return value instanceof tf.Tensor ? value.size : value.length;
}

/** An exchange's value, and after it the splits it came with. */
function listOf(result: Result): ring.Value[] {
  if (result === undefined) return [];
  if (Array.isArray(result)) return result;
  return 'receivedSplits' in result ? [result.value, Int32Array.from(result.receivedSplits)] : [result];
}

function check(p: Plan, results: readonly ring.Value[]): void {
  const expected = plainly(p).map((numbers) => make(p.form, numbers));
  if (p.kind === 'alltoall') expected.push(Int32Array.from(receivedSplits(p)));
  const plainResults = results as readonly PlainValue[];
  assert.deepEqual(plainResults.map(describe), expected.map(describe), JSON.stringify(p));
}

function describe(value: PlainValue): unknown {
  return value instanceof tf.Tensor
    ? { dtype: value.dtype, shape: value.shape, values: plain(value.dataSync()) }
    : { array: value[Symbol.toStringTag], values: plain(value) };
}

/** Without the sign of zero, which depends on the order of the factors. */
function plain(values: Iterable<number | bigint>): number[] {
  return Array.from(values, (value) => Number(value) + 0);
}

/** What the operation must give, from the definition. */
function plainly(p: Plan): number[][] {
  const taking = ranksOf(p);
  const ranks = taking.map((rank) => values(p, rank));
  if (p.kind === 'barrier') return [];
  if (p.kind === 'broadcast') return values(p, rootOf(p));
  if (p.kind.endsWith('llgather')) return ranks[0]!.map((_, t) => ranks.flatMap((rank) => rank[t]!));
  if (p.kind === 'alltoall')
    return [ranks.flatMap(([only], i) => part(p, only!, splitsOf(p, only!.length, taking[i]!)))];
  const [before, after] = factors(p);
  const op = opOf(p.form, p.op);
  const all = ranks[0]!.map((tensor, t) =>
    tensor.map((_, i) => {
      const numbers = ranks.map((rank) => scaled(p.form, rank[t]![i]!, before));
      return scaled(p.form, reduce(p.form, op, numbers), after);
    }),
  );
  return p.kind.endsWith('llreduce') ? all : all.map((rows) => part(p, rows, sharesOf(p, rows.length)));
}

/** This rank's rows, of which each rank gets as many as `splits` says. */
function part(p: Plan, rows: readonly number[], splits: readonly number[]): number[] {
  const before = splits.slice(0, placeIn(p)).reduce((a, b) => a + b, 0);
  return rows.slice(before, before + splits[placeIn(p)]!);
}

function sharesOf(p: Plan, rows: number): number[] {
  const size = ranksOf(p).length;
  return ranksOf(p).map((_, rank) => Math.floor(rows / size) + (rank < rows % size ? 1 : 0));
}

function receivedSplits(p: Plan): number[] {
  return ranksOf(p).map((rank) => splitsOf(p, values(p, rank)[0]!.length, rank)[placeIn(p)]!);
}

function scaled(form: Form, value: number, factor: number): number {
  if (factor === 1) return value;
  return form.startsWith('F') || form === 'float32' ? value * factor : Math.trunc(value * factor);
}

function reduce(form: Form, op: Plan['op'], numbers: readonly number[]): number {
  if (form === 'bool' && op === 'sum') return Math.max(...numbers);
  if (op === 'min') return Math.min(...numbers);
  if (op === 'max') return Math.max(...numbers);
  if (op === 'product')
    return wrapped(
      form,
      numbers.reduce((a, b) => a * b),
    );
  const sum = numbers.reduce((a, b) => a + b);
  if (op === 'sum') return sum;
  return form.startsWith('F') || form === 'float32' ? sum / numbers.length : Math.trunc(sum / numbers.length);
}

function wrapped(form: Form, product: number): number {
  return form === 'Uint8Array' ? product % 256 : product;
}
