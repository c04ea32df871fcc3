import assert from 'node:assert/strict';
import { allreduceSeconds, collectiveNames, phasesOf, serverSeconds } from '../../lib/model/allreduce-cost.js';
import { playEvents } from '../../lib/model/events.js';
import { linkOf, type Network, type Shape } from '../../lib/model/network.js';
import { unevenness } from '../../lib/model/random.js';
import { scheduleOf, serverSchedule } from '../../lib/model/schedule.js';
import { simulate, slowestOf } from '../../lib/model/simulate.js';
import { loadAddon } from '../../lib/native/load.js';

const network: Network = { across: linkOf(20, 10), local: linkOf(1, 200), combineSecondsPerByte: 6e-11 };
const sizes = [4, 4096, 2 ** 20, 2 ** 28];

describe('the cost model', () => {
  it('of links has the steps and bytes that the engine chooses by, for all numbers of ranks', () => {
    const addon = loadAddon();
    for (const algorithm of ['ring', 'recursive-doubling', 'halving-doubling'] as const) {
      for (let ranks = 1; ranks <= 64; ranks++) {
        const bytes = 1000 * ranks * 64; // divisible by what it is divided by, so that the engine's whole numbers are exact
        const phases = phasesOf(algorithm, { ranks, localRanks: 1 }, bytes, network);
        const sum = (of: (phase: (typeof phases)[number]) => number) =>
          Math.floor(phases.reduce((total, phase) => total + phase.rounds * of(phase), 0) + 1e-6);
        const work = {
          steps: sum(() => 1),
          movedBytes: sum((p) => p.bytes),
          combinedBytes: sum((p) => p.combinedBytes),
        };
        assert.deepEqual(work, addon.workOf({ algorithm, ranks, bytes }), `${algorithm}, ${ranks} ranks`);
      }
    }
  });

  it('agrees with every message played, for powers of two with a rank a host, and inside a host', () => {
    for (const ranks of [2, 4, 8, 16, 32]) {
      for (const localRanks of [1, ranks]) compareAll({ ranks, localRanks }, 1, 1 + 1e-9);
    }
  });

  it('with several ranks a host is near what is played: at most a tenth under it, and less than twice over', () => {
    for (const [ranks, localRanks] of [
      [4, 2],
      [8, 2],
      [16, 4],
      [32, 8],
      [64, 8],
    ] as const) {
      // prettier-ignore
      compareAll({ ranks, localRanks }, 0.9, 2);
    }
  });

  it('with numbers of ranks that are no power of two is at most a quarter under it, and less than twice over', () => {
    for (const ranks of [3, 5, 6, 7, 12, 17]) compareAll({ ranks, localRanks: 1 }, 0.75, 2);
  });

  it('of parameter servers agrees with what is played', () => {
    for (const [ranks, localRanks, servers] of [
      [2, 1, 1],
      [4, 1, 4],
      [8, 1, 2],
      [8, 2, 4],
      [16, 4, 4],
    ] as const) {
      // prettier-ignore
      const shape = { ranks, localRanks };
      const ends = playEvents(serverSchedule(shape, servers, 2 ** 20), network);
      const played = Math.max(...ends.slice(0, ranks / localRanks));
      between(
        serverSeconds(shape, servers, 2 ** 20, network) / played,
        0.999,
        1.001,
        `${ranks} ranks, ${servers} servers`,
      );
    }
  });

  it('has the slowest rank decide when an allreduce ends', () => {
    const schedule = scheduleOf('ring', { ranks: 4, localRanks: 1 }, 4096, network);
    const together = Math.max(...playEvents(schedule, network));
    const late = Math.max(...playEvents(schedule, network, [0, 0, 1, 0]));
    // What waits for the late one's part is done once that has gone round; rounds that do not need it are over by then.
    between(late, 1 + together / 3, 1 + together, 'one rank late by a second');
  });

  it('knows what a ring is known for: the bytes of a link hardly grow with the ranks, the rounds do', () => {
    const seconds = (ranks: number, bytes: number) =>
      allreduceSeconds('ring', { ranks, localRanks: 1 }, bytes, network);
    between(seconds(256, 2 ** 30) / seconds(16, 2 ** 30), 1, 1.1, 'large');
    between(seconds(256, 4) / seconds(16, 4), 255 / 15 - 0.01, 255 / 15 + 0.01, 'small');
  });

  function compareAll(shape: Shape, least: number, most: number): void {
    for (const name of collectiveNames) {
      for (const bytes of sizes) {
        const played = Math.max(...playEvents(scheduleOf(name, shape, bytes, network), network));
        const ratio = allreduceSeconds(name, shape, bytes, network) / played;
        between(ratio, least - 1e-9, most, `${name}, ${shape.ranks} ranks, ${shape.localRanks} a host, ${bytes} bytes`);
      }
    }
  }
});

describe('stragglers', () => {
  it('take as long as others on average, spread as asked for, and the same for the same seed', () => {
    const draw = (seed: number) => {
      const next = unevenness(0.2, seed);
      return Array.from({ length: 20_000 }, next);
    };
    const values = draw(1);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    between(mean, 0.99, 1.01, 'mean');
    between(deviation, 0.19, 0.21, 'deviation');
    assert.deepEqual(draw(1), values);
    assert.notDeepEqual(draw(2), values);
  });

  it('cost the more the more ranks there are, and nothing without unevenness', () => {
    const slowest = [1, 8, 64, 512].map((ranks) => slowestOf(ranks, 0.1, 1));
    assert.deepEqual(
      slowest,
      [...slowest].sort((a, b) => a - b),
    );
    assert.equal(slowest[0], 1);
    between(slowest[3]!, 1.25, 1.4, 'the slowest of 512'); // some three deviations
    assert.equal(slowestOf(512, 0, 1), 1);
  });
});

describe('a simulated step', () => {
  const compute = { seconds: 0.1, deviation: 0, overlap: 0, seed: 1 };
  const setting = { shape: { ranks: 16, localRanks: 1 }, network, bytes: 4e6, events: false };

  it('is compute, and what overlap leaves of communication', () => {
    const { step, allreduceSeconds: seconds, best } = simulate({ ...setting, compute });
    between(step!.seconds, 0.1 + seconds[best] - 1e-12, 0.1 + seconds[best] + 1e-12, 'without overlap');
    const hidden = simulate({ ...setting, compute: { ...compute, overlap: 1 } }).step!;
    assert.deepEqual([hidden.exposedSeconds, hidden.seconds, hidden.efficiency], [0, 0.1, 1]);
  });

  it('waits for the slowest rank, but not with parameter servers, where each goes its own pace', () => {
    const { step, serverStep } = simulate({ ...setting, compute: { ...compute, deviation: 0.2 } });
    assert.ok(step!.waitingSeconds > 0.01);
    assert.equal(serverStep!.waitingSeconds, 0);
  });

  it('comes to about the same, played', () => {
    const [closed, played] = [false, true].map((events) => simulate({ ...setting, events, compute }).step!.seconds);
    between(closed! / played!, 0.999, 1.001, 'step');
  });
});

function between(value: number, least: number, most: number, what: string): void {
  assert.ok(value >= least && value <= most, `${what}: ${value} is not between ${least} and ${most}`);
}
