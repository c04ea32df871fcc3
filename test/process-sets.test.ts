import assert from 'node:assert/strict';
import { startRanks } from './helpers/start-ranks.js';
import { tsrun } from './helpers/tsrun.js';

interface Caught {
  readonly code: string;
  readonly message: string;
}

describe('process sets', () => {
  for (const np of [1, 2, 3, 4, 5]) {
    it(`work side by side, in any order of submission, on ${np}`, async () => {
      const ends = await startRanks({
        np,
        script: 'scripts/random-set-operations.ts',
        args: [String(20_261_100 + np), '60'],
        // Shared memory and links by turns.
        env: () => ({ TSRING_TRANSPORT: np % 2 ? 'auto' : 'tcp' }),
        timeoutMs: 40_000,
      });
      for (const end of ends) {
        assert.equal(end.code, 0, ends.map(({ stderr }) => stderr).join('\n'));
        assert.deepEqual(end.result, ends[0]!.result);
      }
    });
  }

  it('tell what is wrong, alike on all ranks where all take part', async () => {
    const { ranks } = await tsrun({ np: 3, script: 'scripts/process-set-errors.ts', timeoutMs: 30_000 });
    const results = ranks.map(({ result }) => result as Record<string, Caught | undefined>);
    const local = ['empty', 'twice', 'negative', 'notAdded', 'notASet', 'again', 'global', 'removed'];
    for (const result of results) {
      assert.equal(result['early']!.code, 'RING_NOT_INITIALIZED');
      for (const name of local) assert.equal(result[name]!.code, 'RING_INVALID_ARGUMENT', name);
    }
    const alike = { outOfRange: 'RING_INVALID_ARGUMENT', mismatch: 'RING_MISMATCH', otherChange: 'RING_MISMATCH' };
    for (const [name, code] of Object.entries(alike)) {
      assert.equal(results[0]![name]!.code, code);
      assert.equal(new Set(results.map((result) => result[name]!.message)).size, 1, name);
    }
    assert.match(results[0]!['outOfRange']!.message, /no rank 3; 0 to 2/);
    assert.match(results[1]!['outside']!.message, /rank 1.*ranks 0, 2/);
    assert.equal(results[1]!['rankOutside']!.code, 'RING_INVALID_ARGUMENT');
    for (const rank of [0, 2]) {
      assert.match(results[rank]!['root']!.message, /rootRank is 1; a rank of the set: 0, 2/);
      assert.match(results[rank]!['shapes']!.message, /rank 2 gave shape \[3\], rank 0 gave \[1\]/);
      assert.equal(results[rank]!['sum'], 2);
    }
  });

  it('come from the environment, and must be the same on all ranks', async () => {
    const run = (sets: (rank: number) => string) =>
      startRanks({
        np: 2,
        script: 'scripts/join-ring.ts',
        env: (rank) => ({ TSRING_PROCESS_SETS: sets(rank) }),
        timeoutMs: 20_000,
      });
    for (const { result } of await run(() => '0;0,1')) {
      assert.deepEqual((result as { sets: unknown }).sets, [[0, 1], [0], [0, 1]]);
    }
    for (const { result } of await run((rank) => (rank === 0 ? '0,1' : '0,1;1'))) {
      const { code, message } = result as Caught;
      assert.equal(code, 'RING_MISMATCH');
      assert.match(message, /rank 0 was given the process sets 0,1, rank 1 0,1;1/);
    }
    for (const { result } of await run(() => '0,x')) assert.equal((result as Caught).code, 'RING_CONFIG');
    for (const { result } of await run(() => '0,7')) assert.match((result as Caught).message, /no rank 7/);
  });

  for (const [form, transport] of [
    ['blocking', 'auto'],
    ['blocking', 'tcp'],
    ['promise', 'auto'],
  ] as const) {
    it(`all fail for one reason when a rank dies, ${form} over ${transport}`, async () => {
      const ends = await startRanks({
        np: 3,
        script: 'scripts/process-set-killed.ts',
        args: [form],
        env: () => ({ TSRING_TRANSPORT: transport }),
        timeoutMs: 20_000,
      });
      const reasons = new Set<string>();
      for (const { result } of ends.slice(0, 2)) {
        for (const { code, message } of Object.values(result as Record<string, Caught>)) {
          assert.equal(code, 'RING_PEER_LOST');
          reasons.add(message.replace(/^\w+ "[^"]*": |; \w+ "[^"]*" cannot be completed$/g, ''));
        }
      }
      assert.equal(reasons.size, 1, [...reasons].join('\n'));
      assert.match([...reasons].join(), /rank 2 on /);
    });
  }
});
