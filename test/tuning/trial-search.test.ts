import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { Autotuner } from '../../lib/tuning/autotuner.js';
import { trialLogIn } from '../../lib/tuning/trial-log.js';
import { TrialSearch, type Trial } from '../../lib/tuning/trial-search.js';

const first: Trial = { fusionThresholdBytes: 64 << 20, pieceBytes: 256 << 10, stepCostPercent: 100, sockets: 1 };

/** Every trial, with the score that `scoreOf` gives it. */
function searched(
  scoreOf: (trial: Trial) => number,
  connected = 4,
  from = first,
): { readonly tried: Trial[]; readonly best: Trial } {
  const search = new TrialSearch(from, connected);
  const tried: Trial[] = [];
  for (let trial = search.trial; trial !== undefined; trial = search.trial) {
    tried.push(trial);
    search.score(scoreOf(trial));
    assert.ok(tried.length < 100, 'it ends');
  }
  return { tried, best: search.best };
}

describe('the search for a tuning', () => {
  it('tries as much whatever comes of it, and ends with the best of what it has tried', () => {
    const trials = searched(() => 1).tried.length;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: trials, maxLength: trials }), (scores) => {
        const byTrial = new Map<Trial, number>();
        const left = [...scores];
        const { tried, best } = searched((trial) => {
          byTrial.set(trial, left.shift()!);
          return byTrial.get(trial)!;
        });
        assert.equal(tried.length, trials);
        assert.deepEqual(tried[0], first);
        assert.ok(byTrial.get(best)! * 1.02 >= Math.max(...scores));
      }),
    );
  });

  it('stays with what there was where nothing is clearly better, and finds what is', () => {
    assert.deepEqual(searched(() => 5).best, first);
    const wanted = { fusionThresholdBytes: 4 << 20, pieceBytes: 64 << 10, stepCostPercent: 400, sockets: 2 };
    const fits = (trial: Trial) =>
      (Object.keys(wanted) as (keyof Trial)[]).filter((knob) => trial[knob] === wanted[knob]);
    assert.deepEqual(searched((trial) => 1 + fits(trial).length).best, wanted);
  });

  it('tries no more sockets than are connected, and those that a job begins with', () => {
    const socketsOf = (from: Trial, connected: number) =>
      new Set(searched(() => 1, connected, from).tried.map(({ sockets }) => sockets));
    assert.deepEqual(socketsOf(first, 1), new Set([1]));
    assert.deepEqual(socketsOf({ ...first, sockets: 8 }, 8), new Set([8, 1, 2, 4]));
  });
});

describe('the log of a search', () => {
  it('is an error where it cannot be written', () => {
    const file = path.join(tmpdir(), randomUUID(), 'log.csv');
    assert.throws(() => trialLogIn(file), {
      code: 'RING_CONFIG',
      message: /log of autotune cannot be written: .*ENOENT/,
    });
  });
});

describe('the autotuner', () => {
  it('measures the median step of a sample, after those that warm up, and ends', () => {
    const asked: Trial[] = [];
    const lines: string[] = [];
    let time = 0;
    const tuner = new Autotuner(
      { retune: (trial) => asked.push(trial), connectedSockets: () => 1 },
      first,
      { warmupSamples: 1, stepsPerSample: 3 },
      {
        tried: (trial, bytesPerSecond, best) => lines.push(`${trial.fusionThresholdBytes} ${bytesPerSecond} ${best}`),
        chosen: (trial) => lines.push(`chosen ${trial.fusionThresholdBytes}`),
      },
      () => time,
    );
    const step = (ms: number) => {
      time += ms;
      tuner.stepped(1000);
    };
    step(7); // nothing is known of its beginning
    for (let i = 0; i < 3; i++) step(1);
    assert.deepEqual([asked, lines], [[], []]);
    for (const ms of [10, 5000, 8]) step(ms); // one of them stopped for something else
    assert.deepEqual(lines, [`${64 << 20} 100000 true`]);
    assert.equal(asked.length, 1);
    for (const ms of [2, 2, 2]) step(ms);
    assert.equal(lines[1], `${1 << 20} 500000 true`);
    for (let i = 0; i < 1000; i++) step(4);
    assert.equal(lines.at(-1), `chosen ${1 << 20}`);
    assert.equal(asked.length, lines.length - 1);
    assert.equal(asked.at(-1)!.fusionThresholdBytes, 1 << 20);
  });

  it('asks as often on a rank without a log and with other times', () => {
    const counts = [1, 2].map((slowness) => {
      let time = 0;
      let asked = 0;
      const sizes = { warmupSamples: 1, stepsPerSample: 2 };
      const tuner = new Autotuner(
        { retune: () => (asked += 1), connectedSockets: () => 1 },
        first,
        sizes,
        undefined,
        () => (time += slowness),
      );
      for (let i = 0; i < 1000; i++) tuner.stepped(i);
      return asked;
    });
    assert.deepEqual(counts, [9, 9]);
  });

  it('is settled once, also after its end, so that ranks that have counted other steps ask alike', () => {
    for (const steps of [1, 20, 1000]) {
      let asked = 0;
      const tuner = new Autotuner({ retune: () => (asked += 1), connectedSockets: () => 1 }, first, {
        warmupSamples: 0,
        stepsPerSample: 1,
      });
      for (let i = 0; i < steps; i++) tuner.stepped(1);
      const before = asked;
      tuner.settle();
      tuner.settle();
      tuner.stepped(1);
      assert.equal(asked, before + 1);
    }
  });
});
