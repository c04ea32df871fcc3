// Ranks with different numbers of batches, who join when theirs are done: over all ranks and over a set, in both forms, with tensors and
// arrays. Then all go on together. Argument: seed.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as ring from '../../lib/index.js';
import { Numbers } from './numbers.js';
import { caught, report } from './report.js';

await tf.setBackend('cpu');
const everyone = Array.from({ length: Number(process.env['TSRING_SIZE'] ?? 1) }, (_, rank) => rank);
await ring.init({ processSets: [new ring.ProcessSet(everyone.slice(-2))] });
const numbers = new Numbers(Number(process.argv[2]));
const last: number[] = [];
for (const set of ring.processSets()) {
  const batches = everyone.map(() => numbers.below(12));
  if (!set.included()) continue;
  await work(set, batches, 'promise');
  last.push(await ring.join({ processSet: set }));
  await together(set);
  await work(set, batches, 'blocking');
  last.push(ring.joinSync({ processSet: set }));
  await together(set);
  assert.equal(
    Math.max(...set.ranks.map((rank) => batches[rank]!)),
    Math.max(batches[last.at(-1)!]!, batches[last.at(-2)!]!),
  );
}
const errors = await afterJoined();
report({ last, errors });
await ring.shutdown();

async function work(processSet: ring.ProcessSet, batches: readonly number[], form: string) {
  for (let batch = 0; batch < batches[ring.rank()]!; batch++) {
    const busy = processSet.ranks.filter((rank) => batches[rank]! > batch);
    const name = `${form} ${batch}`;
    const options = { processSet, name, op: 'sum' } as const;
    const value = Int32Array.of(1, ring.rank());
    const sum = form === 'blocking' ? ring.allreduceSync(value, options) : await ring.allreduce(value, options);
    assert.deepEqual([...sum], [busy.length, busy.reduce((a, b) => a + b, 0)]);
    const mean = ring.allreduceSync(tf.fill([2, 2], 6), { processSet, name: `${name} mean` });
    assert.deepEqual([...mean.dataSync()], Array(4).fill(Math.fround((6 * busy.length) / processSet.size())));
    const rows = await ring.allgather(tf.fill([2, 1], ring.rank()), { processSet, name: `${name} rows` });
    assert.deepEqual(
      [...rows.dataSync()],
      busy.flatMap((rank) => [rank, rank]),
    );
    const root = busy.at(-1)!;
    assert.equal(
      (await ring.broadcast(Int32Array.of(ring.rank()), root, { processSet, name: `${name} root` }))[0],
      root,
    );
    await ring.barrier({ processSet, name: `${name} barrier` });
  }
}

/** After a join all is as before. */
async function together(processSet: ring.ProcessSet) {
  assert.equal(ring.allreduceSync(Int32Array.of(1), { processSet, op: 'max' })[0], 1);
  assert.equal((await ring.allreduce(Int32Array.of(1), { processSet, op: 'sum' }))[0], processSet.size());
}

async function afterJoined() {
  if (ring.size() === 1) return {};
  await ring.barrier();
  if (ring.rank() === 0) {
    const joined = ring.join();
    const own = await caught(() => ring.allreduce(Int32Array.of(1), { name: 'mine' }));
    await joined;
    return { own };
  }
  await ring.barrier({ name: 'rank 0 has joined' });
  const product = await caught(() => ring.allreduce(Int32Array.of(1), { op: 'product', name: 'product' }));
  const root = await caught(() => ring.broadcast(Int32Array.of(1), 0, { name: 'root' }));
  ring.joinSync();
  return { product, root };
}
