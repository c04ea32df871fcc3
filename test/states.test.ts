import assert from 'node:assert/strict';
import { tsrun } from './helpers/tsrun.js';

type Codes = Record<string, string>;

/** Calls that answer from what they know, whatever became of the peers. */
const localCalls = [
  'rank',
  'size',
  'localRank',
  'localSize',
  'crossRank',
  'crossSize',
  'processSets',
  'size of the global set',
  'rank in the global set',
];

describe('every call in every state', () => {
  for (const np of [1, 2]) {
    it(`fails with the state's code, and works in between, on ${np}`, async () => {
      const { ranks } = await tsrun({ np, script: 'scripts/states.ts', timeoutMs: 40_000 });
      for (const { result } of ranks) {
        const states = result as Record<string, unknown>;
        assertAll(states['before init'], 'RING_NOT_INITIALIZED');
        assertAll(states['running'], 'none');
        assertAll(states['while stopping'], 'RING_SHUT_DOWN');
        assertAll(states['after shutdown'], 'RING_SHUT_DOWN');
        assert.equal(states['initialized while starting'], false);
        assert.equal(states['init while starting'], 'RING_ALREADY_INITIALIZED');
        assert.equal(states['rank while starting'], 'RING_NOT_INITIALIZED');
        assert.equal(states['initialized'], true);
        assert.equal(states['init while running'], 'RING_ALREADY_INITIALIZED');
        assert.equal(states['initialized at the end'], false);
        assert.deepEqual(states['generations'], [1, 2]);
        assert.equal(states['sum in the third ring'], np);
        assert.equal(states['initialized after the block'], false);
      }
    });
  }

  it('fails with RING_PEER_LOST once a peer is dead', async () => {
    const { ranks } = await tsrun({ np: 2, script: 'scripts/peer-dead.ts', timeoutMs: 40_000, expectFailure: true });
    const { first, codes, afterShutdown } = ranks[0]!.result as {
      first: { code: string; message: string };
      codes: Codes;
      afterShutdown: Codes;
    };
    assert.equal(first.code, 'RING_PEER_LOST');
    assert.match(first.message, /rank 1/);
    for (const [call, code] of Object.entries(codes)) {
      assert.equal(code, localCalls.includes(call) ? 'none' : 'RING_PEER_LOST', call);
    }
    assertAll(afterShutdown, 'RING_SHUT_DOWN');
  });
});

function assertAll(codes: unknown, code: string): void {
  const calls = Object.keys(codes as Codes);
  assert.ok(calls.length > 20);
  assert.deepEqual(codes, Object.fromEntries(calls.map((call) => [call, code])));
}
