import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planBuckets, planGroups, planNamed, usualBucketBytes } from '../../lib/training/bucket-plan.js';

describe('the plan of buckets', () => {
  const sizes = { firstBucketBytes: 10, bucketBytes: 100 };

  it('has a small one first, full ones after it, and large gradients alone', () => {
    assert.deepEqual(planBuckets([60, 60, 40, 500, 6, 4], [5, 4, 3, 2, 1, 0], sizes), [[5, 4], [3], [2, 1], [0]]);
    assert.deepEqual(planBuckets([500, 1], [0, 1], sizes), [[0], [1]]);
    assert.deepEqual(planBuckets([], [], sizes), []);
  });

  it('has every gradient once, in their order, and no bucket over its size but for a gradient alone', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(150)), (bytes) => {
        const order = [...bytes.keys()].reverse();
        const plan = planBuckets(bytes, order, sizes);
        assert.deepEqual(plan.flat(), order);
        plan.forEach((bucket, index) => {
          const room = index === 0 ? sizes.firstBucketBytes : sizes.bucketBytes;
          const sum = bucket.reduce((total, gradient) => total + bytes[gradient]!, 0);
          assert.ok(bucket.length === 1 || sum <= room);
        });
      }),
    );
  });

  it('has buckets of 25 MiB inside a host, and across hosts of a sixteenth of the gradients, from 1 to 25 MiB', () => {
    const megabyte = 1 << 20;
    assert.equal(usualBucketBytes([megabyte], false), 25 * megabyte);
    assert.equal(usualBucketBytes([20 * megabyte, 12 * megabyte], true), 2 * megabyte);
    assert.equal(usualBucketBytes([5 * megabyte], true), megabyte);
    assert.equal(usualBucketBytes([500 * megabyte, 75 * megabyte], true), 25 * megabyte);
  });

  it('has so many groups, or those named with buckets of the others after them', () => {
    assert.deepEqual(planGroups([4, 3, 2, 1, 0], 2), [[4, 3], [2, 1, 0]]); // prettier-ignore
    assert.deepEqual(planGroups([1, 0], 5), [[1], [0]]);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const bytes = [8, 8, 8, 8, 8];
    const plan = planNamed(names, bytes, [4, 3, 2, 1, 0], [['a', 'd'], ['e', 'c', 'unknown']], sizes); // prettier-ignore
    assert.deepEqual(plan, [[4, 2], [3, 0], [1]]); // prettier-ignore
  });
});
