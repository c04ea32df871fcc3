// Reduces arrays whose sums are not exact, alone and in groups, and reports a digest of the bits of all results.
import { createHash } from 'node:crypto';
import * as ring from '../../lib/index.js';
import { Numbers } from './numbers.js';
import { report } from './report.js';

await ring.init();
const numbers = new Numbers(31 + ring.rank());
const random = (length: number) => Float32Array.from({ length }, () => (numbers.below(2 ** 24) / 2 ** 20) ** 3);
const digest = createHash('sha256');
for (const length of [1, 2, 3, 1000, 65_537, 1_048_583]) {
  digest.update(await ring.allreduce(random(length)));
  digest.update(ring.allreduceSync(random(length), { op: 'sum' }));
  digest.update(ring.allreduceSync(Float64Array.from(random(length)), { op: 'product' }));
}
const group = Array.from({ length: 200 }, (_, index) => random((index * 37) % 1001));
for (const reduced of ring.groupedAllreduceSync(group)) digest.update(reduced);
for (const reduced of await ring.groupedAllreduce(group, { op: 'sum' })) digest.update(reduced);
report(digest.digest('hex'));
await ring.shutdown();
