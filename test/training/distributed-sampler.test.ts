import assert from 'node:assert/strict';
import * as ring from '../../lib/index.js';
import { shuffled } from '../../lib/training/shuffle.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

describe('DistributedSampler', () => {
  it('gives equal shares that hold every example, in another order in each epoch', async () => {
    const { ranks } = await tsrun({ np: 3, script: 'scripts/sampler.ts', timeoutMs: 20_000 });
    const shares = ranks.map(({ result }) => result as Record<'plain' | 'first' | 'second' | 'dropped', number[]>);
    const whole = (name: 'first' | 'second' | 'dropped') =>
      shares.flatMap((share) => share[name]).sort((a, b) => a - b);
    assert.deepEqual(shares.map(({ plain }) => plain), [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]]); // prettier-ignore
    for (const name of ['first', 'second'] as const) {
      assert.equal(new Set(whole(name)).size, 10);
      assert.deepEqual(shares.map((share) => share[name].length), [4, 4, 4]); // prettier-ignore
    }
    assert.notDeepEqual(shares[0]!.first, shares[0]!.second);
    assert.deepEqual([whole('dropped').length, new Set(whole('dropped')).size], [9, 9]);
  });

  it('refuses what is no number of examples', async () => {
    await ring.init();
    assert.throws(() => new ring.DistributedSampler(1.5), ringError('RING_INVALID_ARGUMENT', /count is 1.5/));
    assert.deepEqual([...new ring.DistributedSampler(0)], []);
    await ring.shutdown();
  });

  it('shuffles evenly: each place gets each example about as often', () => {
    const counts = Array.from({ length: 5 }, () => Array<number>(5).fill(0));
    for (let seed = 0; seed < 5000; seed++)
      shuffled(5, seed).forEach((example, place) => (counts[place]![example]! += 1));
    // 1000 expected; the standard deviation is 28.
    assert.ok(
      counts.flat().every((count) => Math.abs(count - 1000) < 170),
      String(counts),
    );
  });
});
