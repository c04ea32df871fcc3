import assert from 'node:assert/strict';
import { type Ring, measure } from '../../bench/collectives-protocol.js';
import { busBandwidth } from '../../lib/units.js';

describe('bench/collectives-protocol', () => {
  /** Two ranks in one process: the other holds what the protocol would have filled in there. */
  const two = (allreduce: Ring['allreduce']): Ring => ({
    rank: 0,
    size: 2,
    allreduce,
    barrier: () => undefined,
    maximum: (values) => values,
    agree: (value) => value,
  });
  const triple = (values: Float32Array) => {
    for (let i = 0; i < values.length; i++) values[i]! *= 3;
  };
  const tripleButOne = (values: Float32Array) => {
    triple(values);
    values[999] = 0;
  };
  const limits = { budgetSeconds: 0.01, minIterations: 20, maxIterations: 30 };

  it('finds a right sum right and keeps to the limits', () => {
    const result = measure(two(triple), 4000, limits);
    assert.equal(result.correct, true);
    assert.ok(result.iterations >= 20 && result.iterations <= 30);
    assert.ok(result.minSeconds <= result.medianSeconds && result.medianSeconds <= result.maxSeconds);
    assert.ok(result.backToBackSeconds > 0);
  });

  it('finds one wrong element', () => {
    const result = measure(two(tripleButOne), 4000, limits);
    assert.equal(result.correct, false);
  });

  it('counts what a link carries', () => {
    assert.equal(busBandwidth(1e9, 2, 1), 1e9);
    assert.equal(busBandwidth(1e9, 8, 1), 1.75e9);
    assert.equal(busBandwidth(1e9, 1, 1), 1e9);
  });
});
