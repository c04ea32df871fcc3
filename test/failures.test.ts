import assert from 'node:assert/strict';
import { startRanks } from './helpers/start-ranks.js';
import { tsrun } from './helpers/tsrun.js';
import type { Caught } from './scripts/report.js';

type Timed = Caught & { afterMs: number; initialized: boolean };

describe('failures', () => {
  for (const form of ['blocking', 'promise']) {
    it(`a rank killed in the middle of a large allreduce (${form}): all others know long before its silence would tell, and the job ends`, async () => {
      const run = await tsrun({
        np: 3,
        script: 'scripts/killed.ts',
        args: [form],
        timeoutMs: 40_000,
        expectFailure: true,
      });
      assert.ok(run.code !== 0, 'tsrun has failed');
      const [first, killed, last] = run.ranks.map(({ result }) => result as Caught & { later: string });
      for (const error of [first!, last!]) {
        assert.equal(error.code, 'RING_PEER_LOST', error.message);
        assert.match(error.message, /rank 1/);
        assert.ok(error.at - killed!.at < 10_000, `learned of it after ${error.at - killed!.at} ms`);
        assert.equal(error.later, 'RING_PEER_LOST');
      }
    });
  }

  it('a tensor that one rank never asks for: an error at the deadline that names both', async () => {
    const env = { TSRING_TIMEOUT_MS: '700' };
    const run = await tsrun({ np: 3, script: 'scripts/name-missing.ts', env, timeoutMs: 30_000, expectFailure: true });
    const errors = run.ranks.map((rank) => rank.result as Timed);
    for (const error of errors) {
      assert.equal(error.code, 'RING_TIMEOUT', error.message);
      assert.match(error.message, /"dense\/kernel".*rank 1/);
    }
    for (const { afterMs } of [errors[0]!, errors[2]!])
      assert.ok(afterMs >= 600 && afterMs < 15_000, `after ${afterMs} ms`);
  });

  it('a wrong secret: refused, and the others are told who is missing', async () => {
    const ends = await startRanks({
      np: 3,
      script: 'scripts/join-ring.ts',
      env: (rank): Record<string, string> =>
        rank === 1 ? { TSRING_SECRET: 'ab'.repeat(32) } : { TSRING_START_TIMEOUT_MS: '3000' },
      timeoutMs: 20_000,
    });
    const [first, wrong, last] = ends.map((end) => end.result as Timed);
    assert.equal(wrong!.code, 'RING_HANDSHAKE', wrong!.message);
    for (const error of [first!, last!]) {
      assert.equal(error.code, 'RING_TIMEOUT', error.message);
      assert.match(error.message, /rank 1 of 3 did not arrive within 3000 ms/);
      assert.equal(error.initialized, false);
    }
    assert.deepEqual(
      ends.map((end) => end.code),
      [0, 0, 0],
      'nothing is left open that would keep a process from ending',
    );
  });

  it('ranks that never come: named at the deadline', async () => {
    const env = () => ({ TSRING_START_TIMEOUT_MS: '2500' });
    const [end] = await startRanks({ np: 4, script: 'scripts/join-ring.ts', absent: [1, 3], env, timeoutMs: 20_000 });
    const { code, message, afterMs } = end!.result as Timed;
    assert.equal(code, 'RING_TIMEOUT', message);
    assert.match(message, /ranks 1, 3 of 4 did not arrive/);
    assert.ok(afterMs < 15_000, `after ${afterMs} ms`);
  });

  it('no store: RING_CONNECT, and no partial settings', async () => {
    const env = () => ({ TSRING_STORE: '127.0.0.1:1' });
    const ends = await startRanks({ np: 2, script: 'scripts/join-ring.ts', env, timeoutMs: 20_000 });
    for (const { result, code } of ends) {
      assert.equal((result as Caught).code, 'RING_CONNECT', (result as Caught).message);
      assert.equal(code, 0);
    }
  });

  for (const way of ['return', 'exit', 'exit while pending']) {
    it(`leaving without shutdown (${way}): the process ends as if it were not in a ring`, async () => {
      const ends = await startRanks({
        np: 2,
        script: 'scripts/leave-without-shutdown.ts',
        args: [way],
        timeoutMs: 20_000,
      });
      for (const { code, signal, stderr } of ends) assert.deepEqual([code, signal], [0, null], stderr);
    });
  }
});
