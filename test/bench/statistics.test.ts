import assert from 'node:assert/strict';
import { mean, speed, standardDeviation } from '../../bench/statistics.js';
import { median } from '../../lib/statistics.js';

describe('bench/statistics', () => {
  it('takes the middle of odd and even counts without touching its input', () => {
    const values = [30, 1, 200];
    assert.equal(median(values), 30);
    assert.deepEqual(values, [30, 1, 200]);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(mean([1, 2, 6]), 3);
    assert.equal(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), 2);
  });

  it('gives the three figures of a tf_cnn_benchmarks row', () => {
    // speeds 10, 20 and 40 images/s: the mean is over time, the other two over speeds
    const { mean, uncertainty, jitter } = speed(10, [1, 0.5, 0.25]);
    assert.ok(Math.abs(mean - 30 / 1.75) < 1e-12);
    assert.ok(Math.abs(uncertainty - Math.sqrt(1400 / 9) / Math.sqrt(3)) < 1e-12);
    assert.ok(Math.abs(jitter - 14.826) < 1e-12);
  });

  it('knows no uncertainty in one step', () => {
    assert.deepEqual(speed(8, [2]), { mean: 4, uncertainty: 0, jitter: 0 });
  });
});
