// Random operations over several process sets at once, submitted in an order of each rank's own and in blocking form; compares every
// result with a plain computation. Arguments: seed, number of operations.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as ring from '../../lib/index.js';
import { Numbers } from './numbers.js';
import { report } from './report.js';

const [seed = 1, count = 60] = process.argv.slice(2).map(Number);

const all = Array.from({ length: Number(process.env['TSRING_SIZE'] ?? 1) }, (_, rank) => rank);
const someRanks = fc.shuffledSubarray(all, { minLength: 1 });
const plan = fc.record({
  set: fc.nat(),
  kind: fc.constantFrom('allreduce', 'groupedAllreduce', 'allgather', 'broadcast', 'barrier'),
  op: fc.constantFrom('sum', 'min', 'max', 'average'),
  length: fc.oneof(fc.constantFrom(0, 1, 64), fc.nat(3000)),
  root: fc.nat(),
  seed: fc.nat(),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

const [given, added] = fc.sample(fc.array(someRanks, { maxLength: 2 }), { seed, numRuns: 2 });
await ring.init({ processSets: given!.map((ranks) => new ring.ProcessSet(ranks)) });
for (const ranks of added!) await ring.addProcessSet(ranks);
const sets = ring.processSets();
for (const set of sets.filter((each) => each.included())) assert.equal(set.ranks[set.rank()], ring.rank());

const plans = fc.sample(plan, { seed, numRuns: count });
const own = new Numbers(seed + 1 + ring.rank());
for (let start = 0; start < plans.length; start += 20) {
  const batch = plans.slice(start, start + 20).map((p, index) => ({ p, name: `batch ${start}, ${index}` }));
  const mine = batch.filter(({ p }) => setOf(p).included());
  await Promise.all(own.shuffled(mine).map(async ({ p, name }) => check(p, await run(p, name))));
  for (const { p } of mine) check(p, runSync(p));
}
for (const set of sets.slice(1)) await ring.removeProcessSet(set);
assert.deepEqual(ring.processSets(), [ring.globalProcessSet]);
report({ sets: sets.map(({ ranks }) => ranks.join()) });
await ring.shutdown();

function setOf({ set }: Plan): ring.ProcessSet {
  return sets[set % sets.length]!;
}

/** Small integers, exact as floats; the rows of a gather differ in number from rank to rank. */
function values(p: Plan, rank: number): Float32Array {
  const numbers = new Numbers(p.seed + 7919 * rank);
  return Float32Array.from({ length: p.length + (p.kind === 'allgather' ? rank : 0) }, () => numbers.below(100));
}

async function run(p: Plan, name: string): Promise<Float32Array[]> {
  const [value, processSet] = [values(p, ring.rank()), setOf(p)];
  if (p.kind === 'barrier') await ring.barrier({ name, processSet });
  if (p.kind === 'allreduce') return [await ring.allreduce(value, { name, processSet, op: p.op })];
  if (p.kind === 'groupedAllreduce')
    return ring.groupedAllreduce([value, value.slice(1)], { name, processSet, op: p.op });
  if (p.kind === 'allgather') return [await ring.allgather(value, { name, processSet })];
  if (p.kind === 'broadcast') return [await ring.broadcast(value, rootOf(p), { name, processSet })];
  return [];
}

function runSync(p: Plan): Float32Array[] {
  const [value, processSet] = [values(p, ring.rank()), setOf(p)];
  if (p.kind === 'barrier') ring.barrierSync({ processSet });
  if (p.kind === 'allreduce') return [ring.allreduceSync(value, { processSet, op: p.op })];
  if (p.kind === 'groupedAllreduce')
    return ring.groupedAllreduceSync([value, value.slice(1)], { processSet, op: p.op });
  if (p.kind === 'allgather') return [ring.allgatherSync(value, { processSet })];
  if (p.kind === 'broadcast') return [ring.broadcastSync(value, rootOf(p), { processSet })];
  return [];
}

function rootOf(p: Plan): number {
  const { ranks } = setOf(p);
  return ranks[p.root % ranks.length]!;
}

function check(p: Plan, results: readonly Float32Array[]): void {
  const where = `${JSON.stringify(p)} over ${setOf(p).ranks.join()}`;
  assert.deepEqual(
    results.map((result) => [...result]),
    plainly(p),
    where,
  );
}

/** What the operation must give, from the definition. */
function plainly(p: Plan): number[][] {
  const byRank = setOf(p).ranks.map((rank) => [...values(p, rank)]);
  if (p.kind === 'barrier') return [];
  if (p.kind === 'allgather') return [byRank.flat()];
  if (p.kind === 'broadcast') return [[...values(p, rootOf(p))]];
  const reduced = byRank[0]!.map((_, i) => {
    const column = byRank.map((row) => row[i]!);
    if (p.op === 'min') return Math.min(...column);
    if (p.op === 'max') return Math.max(...column);
    const sum = column.reduce((a, b) => a + b);
    return Math.fround(p.op === 'sum' ? sum : sum / column.length);
  });
  return p.kind === 'allreduce' ? [reduced] : [reduced, reduced.slice(1)];
}
