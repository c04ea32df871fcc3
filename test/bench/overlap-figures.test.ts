import assert from 'node:assert/strict';
import { overlapFigures } from '../../bench/overlap-figures.js';

describe('bench/overlap-figures', () => {
  it('takes a step as long as its slowest rank, and what is exposed from the rank that waits for no other', () => {
    const none = [
      { step: 10, blocked: 0 },
      { step: 12, blocked: 0 },
      { step: 50, blocked: 0 },
    ];
    const after = [
      { step: 16, blocked: 6 },
      { step: 20, blocked: 8 },
      { step: 20, blocked: 8 },
    ];
    const during = [
      { step: 14, blocked: 3 },
      { step: 15, blocked: 2 },
      { step: 99, blocked: 1 },
    ];
    const second = (steps: typeof none, more: number) =>
      steps.map(({ step, blocked }) => ({ step: step - 1, blocked: blocked + more }));
    const figures = overlapFigures({
      none: [none, second(none, 0)],
      after: [after, second(after, 5)],
      during: [during, second(during, 5)],
    });
    assert.deepEqual(figures.of, {
      none: { step: 12, exposed: 0 },
      after: { step: 20, exposed: 8 },
      during: { step: 15, exposed: 2 },
    });
    assert.equal(figures.hidden, 0.75);
    assert.equal(figures.ratio, 0.75);
  });
});
