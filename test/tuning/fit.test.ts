import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fitCost, type Point, predict } from '../../lib/tuning/fit.js';

const works = [256, 4096, 65_536, 1_048_576].map((bytes) => ({
  steps: 6,
  movedBytes: 1.5 * bytes,
  combinedBytes: 0.75 * bytes,
}));

describe('fit of costs', () => {
  it('finds the costs that made the times', () => {
    const cost = fc.record({
      stepNanoseconds: fc.integer({ min: 100, max: 1e6 }),
      bytePicoseconds: fc.integer({ min: 50, max: 1e5 }),
    });
    fc.assert(
      fc.property(cost, fc.integer({ min: 0, max: 500 }), (truth, combine) => {
        const points = works.map((work) => ({ work, nanoseconds: predict(work, truth, combine) }));
        const found = fitCost(points, combine);
        assert.ok(Math.abs(found.stepNanoseconds - truth.stepNanoseconds) <= 1 + truth.stepNanoseconds / 1e4);
        assert.ok(Math.abs(found.bytePicoseconds - truth.bytePicoseconds) <= 1 + truth.bytePicoseconds / 1e4);
      }),
    );
  });

  it('never finds that something costs less than nothing, or no number', () => {
    const times = fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 1, maxLength: works.length });
    fc.assert(
      fc.property(times, (nanoseconds) => {
        const points: Point[] = nanoseconds.map((time, index) => ({ work: works[index]!, nanoseconds: time }));
        const { stepNanoseconds, bytePicoseconds } = fitCost(points, 100);
        for (const value of [stepNanoseconds, bytePicoseconds]) assert.ok(Number.isInteger(value) && value >= 0);
      }),
    );
  });

  it('weighs small sizes like large ones', () => {
    // Times that no line goes through: 20 us for next to nothing, and 20 us more than the bytes explain in the end.
    const points = works.map((work, index) => ({
      work,
      nanoseconds: 20_000 + work.movedBytes + (index === 3 ? 20_000 : 0),
    }));
    const { stepNanoseconds } = fitCost(points, 0);
    assert.ok(Math.abs(stepNanoseconds * 6 - 20_000) < 2000);
  });
});
