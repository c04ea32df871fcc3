import assert from 'node:assert/strict';
import { tsrun } from './helpers/tsrun.js';

describe('collectives on several ranks', () => {
  for (const np of [1, 2, 3, 4, 5]) {
    it(`give what a plain computation gives, in any order of submission, on ${np}`, async () => {
      const seed = 20_260_000 + np;
      const { ranks } = await tsrun({
        np,
        script: 'scripts/random-operations.ts',
        args: [String(seed), '100'],
        // Everything is remembered, some of it, or nothing.
        env: { TSRING_CACHE_CAPACITY: String([1024, 4, 1024, 0][np % 4]) },
        timeoutMs: 50_000,
      });
      const done = ranks.map(({ result }) => (result as { operations: number }).operations);
      assert.equal(done.length, np);
      // Rank 0 is in no set of the last three; every second operation goes over all ranks.
      assert.ok(Math.min(...done) >= 100 && Math.max(...done) <= 300, String(done));
    });
  }

  it('leave the same bits on every rank, and in every run', async () => {
    const run = () => tsrun({ np: 3, script: 'scripts/allreduce-digest.ts', timeoutMs: 30_000 });
    const digests = [...(await run()).ranks, ...(await run()).ranks].map((rank) => rank.result);
    assert.match(String(digests[0]), /^[0-9a-f]{64}$/);
    assert.deepEqual(digests, Array(6).fill(digests[0]));
  });

  for (const np of [1, 2, 3]) {
    it(`reduce 16-bit floats, on ${np}`, async () => {
      const { ranks } = await tsrun({ np, script: 'scripts/half-precision.ts', timeoutMs: 30_000 });
      assert.deepEqual(
        ranks.map((rank) => rank.result),
        Array(np).fill('equal'),
      );
    });
  }

  for (const [np, transport] of [
    [1, 'auto'],
    [2, 'auto'],
    [3, 'tcp'],
    [4, 'auto'],
  ] as const) {
    it(`have handles, objects, sparse rows, Adasum and gradients, on ${np} over ${transport}`, async () => {
      for (const script of ['scripts/operations.ts', 'scripts/gradients.ts']) {
        const { ranks } = await tsrun({ np, script, env: { TSRING_TRANSPORT: transport }, timeoutMs: 30_000 });
        assert.deepEqual(
          ranks.map((rank) => rank.result),
          Array(np).fill('equal'),
        );
      }
    });
  }
});
