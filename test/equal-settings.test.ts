import assert from 'node:assert/strict';
import { readConfig, type ConfigOptions } from '../lib/config.js';
import { checkEqualSettings, equalSettingsOf } from '../lib/equal-settings.js';
import { ringError } from './helpers/ring-error.js';
import { startRanks } from './helpers/start-ranks.js';

describe('settings that ranks must have alike', () => {
  const check = (...byRank: ConfigOptions[]) =>
    checkEqualSettings(byRank.map((options) => equalSettingsOf(readConfig(options, {}))));
  const refused = (pattern: RegExp) => ringError('RING_MISMATCH', pattern);

  it('may be any, if all have them', () => {
    check({}, {}, {});
    check({ sockets: 4, autotune: true, encrypt: true }, { encrypt: true, sockets: 4, autotune: true });
    check({ timeoutMs: 5, fusionThresholdBytes: 7 }, {});
  });

  it('are named with the ranks and their values', () => {
    assert.throws(
      () => check({}, { sockets: 2 }, { sockets: 4 }, { sockets: 2 }),
      refused(
        /^init: `sockets` is 1 on rank 0, 2 on ranks 1, 3, 4 on rank 2; give all ranks the same \(--sockets of tsrun, TSRING_SOCKETS\)$/,
      ),
    );
    assert.throws(() => check({ transport: 'tcp' }, {}), refused(/`transport` is tcp on rank 0, auto on rank 1;/));
    const many = Array.from({ length: 12 }, () => ({ encrypt: true }));
    assert.throws(() => check({}, ...many), refused(/true on ranks 1, 2, 3, 4, 5, 6, 7, 8 and 4 more;/));
  });

  it('of autotune count where it is on', () => {
    assert.throws(() => check({ autotune: true }, {}), refused(/`autotune` is true on rank 0, false on rank 1;/));
    check({ autotuneStepsPerSample: 3 }, { autotuneStepsPerSample: 4, autotuneWarmupSamples: 9 });
    assert.throws(
      () => check({ autotune: true, autotuneStepsPerSample: 3 }, { autotune: true, autotuneStepsPerSample: 4 }),
      refused(/`autotuneStepsPerSample` is 3 on rank 0, 4 on rank 1;.*TSRING_AUTOTUNE_STEPS_PER_SAMPLE/),
    );
  });

  it('are compared by init, which fails on all ranks alike', async () => {
    const ends = await startRanks({
      np: 2,
      script: 'scripts/join-ring.ts',
      env: (rank) => ({ TSRING_AUTOTUNE: String(rank === 1) }),
      timeoutMs: 30_000,
    });
    for (const { result } of ends) {
      const { code, message } = result as { code?: string; message?: string };
      assert.equal(code, 'RING_MISMATCH');
      assert.match(message!, /^init: `autotune` is false on rank 0, true on rank 1;/);
    }
  });
});
