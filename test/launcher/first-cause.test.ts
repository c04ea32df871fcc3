import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { firstCause } from '../../lib/launcher/first-cause.js';
import type { RankExit } from '../../lib/launcher/job-host.js';

describe('firstCause', () => {
  const patience = { settleMs: 5, witnessMs: 60 };
  const exit = (rank: number, code: number): RankExit => {
    return { rank, code, signal: null, pid: rank, host: 'h', atMs: 0 };
  };
  const later = (rank: number, code: number, afterMs: number) => delay(afterMs).then(() => exit(rank, code));
  const never = new Promise<RankExit>(() => undefined);
  const witnesses =
    (...ranks: number[]) =>
    (ended: RankExit) =>
      ranks.includes(ended.rank);

  it('is the first of several failures', async () => {
    const first = later(1, 3, 1);
    const exits = [first.then(() => exit(0, 4)), first, Promise.resolve(exit(2, 0)), never];
    assert.equal((await firstCause(exits, witnesses(), patience)).rank, 1);
  });

  it('is not a witness if another rank fails soon after', async () => {
    assert.equal((await firstCause([later(0, 1, 1), later(1, 9, 30), never], witnesses(0), patience)).rank, 1);
  });

  it('is a witness if there is nobody else to blame', async () => {
    assert.equal((await firstCause([later(0, 1, 1), later(1, 1, 2)], witnesses(0, 1), patience)).rank, 0);
    assert.equal((await firstCause([later(0, 1, 1), never], witnesses(0), patience)).rank, 0);
    assert.equal((await firstCause([later(0, 1, 1), later(1, 0, 20)], witnesses(0), patience)).rank, 0);
  });
});
