import assert from 'node:assert/strict';
import { mean, standardDeviation } from '../../bench/statistics.js';
import { TruncatedNormal } from '../../bench/truncated-normal.js';

describe('bench/truncated-normal', () => {
  it('has the mean, deviation and bounds of the cut distribution', () => {
    const values = [...new TruncatedNormal(7).fill(200_000, 0, 1)];
    assert.ok(Math.abs(mean(values)) < 0.01, `mean ${mean(values)}`);
    assert.ok(Math.abs(standardDeviation(values) - 0.87962566) < 0.005, `deviation ${standardDeviation(values)}`);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(largest <= 2 && largest > 1.99, `largest ${largest}`);
    const inner = values.filter((value) => Math.abs(value) < 1).length / values.length;
    assert.ok(Math.abs(inner - 0.6827 / 0.9545) < 0.005, `${inner} within one`);
  });

  it('repeats itself for a seed and differs between seeds', () => {
    const draw = (seed: number) => new TruncatedNormal(seed).fill(8, 127, 60);
    assert.deepEqual(draw(3), draw(3));
    assert.notDeepEqual(draw(3), draw(4));
  });

  it('draws every whole number below a limit', () => {
    const random = new TruncatedNormal(1);
    const seen = new Set(Array.from({ length: 200 }, () => random.integer(5)));
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4]);
  });
});
