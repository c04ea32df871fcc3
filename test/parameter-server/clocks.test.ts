import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Clocks } from '../../lib/parameter-server/clocks.js';

describe('clocks of workers', () => {
  it('let no worker get further ahead than the bound, and never stop all of them', () => {
    const bounds = fc.oneof(fc.nat(4), fc.constant(Infinity));
    const moves = fc.array(fc.record({ worker: fc.nat(3), leaves: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), bounds, moves, (workers, bound, order) => {
        const clocks = new Clocks(workers, bound);
        const steps = Array<number>(workers).fill(0);
        for (const { worker, leaves } of order) {
          if (worker >= workers || !clocks.training().includes(worker)) continue;
          if (leaves && order.length % 5 === 0) {
            clocks.leave(worker);
            steps[worker] = Infinity;
          } else if (clocks.behind(worker).length === 0) {
            clocks.tick(worker);
            steps[worker]! += 1;
          }
          const training = steps.filter((count) => count !== Infinity);
          if (training.length === 0) continue;
          // Whoever may begin a step is at most `bound` ahead; having made it, one more.
          assert.ok(Math.max(...training) - Math.min(...training) <= bound + 1);
          assert.ok(clocks.training().some((one) => clocks.behind(one).length === 0));
        }
      }),
    );
  });

  it('name those that a worker waits for', () => {
    const clocks = new Clocks(3, 1);
    clocks.tick(1);
    assert.deepEqual(clocks.behind(1), []);
    clocks.tick(1);
    assert.deepEqual(clocks.behind(1), [0, 2]);
    clocks.leave(0);
    assert.deepEqual(clocks.behind(1), [2]);
    assert.deepEqual(clocks.training(), [1, 2]);
  });
});
