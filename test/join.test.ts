import assert from 'node:assert/strict';
import { startRanks } from './helpers/start-ranks.js';

interface Result {
  readonly last: number[];
  readonly errors: Record<string, { code: string; message: string } | undefined>;
}

describe('join', () => {
  for (const [np, transport] of [
    [1, 'auto'],
    [2, 'auto'],
    [3, 'tcp'],
    [4, 'auto'],
  ] as const) {
    it(`lets ranks with less data stand by, on ${np} over ${transport}`, async () => {
      const ends = await startRanks({
        np,
        script: 'scripts/uneven-data.ts',
        args: [String(20_261_120 + np)],
        env: () => ({ TSRING_TRANSPORT: transport }),
        timeoutMs: 30_000,
      });
      for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
      const results = ends.map(({ result }) => result as Result);
      for (const { last } of results) assert.deepEqual(last.slice(0, 2), results[0]!.last.slice(0, 2));
      if (np === 1) return;
      assert.equal(results[0]!.errors['own']!.code, 'RING_INVALID_ARGUMENT');
      for (const { errors } of results.slice(1)) {
        assert.equal(errors['product']!.code, 'RING_INVALID_ARGUMENT');
        assert.match(errors['product']!.message, /rank 0 has joined.*sum, average and adasum go/);
        assert.match(errors['root']!.message, /rank 0 has joined, and is the root/);
      }
    });
  }
});
