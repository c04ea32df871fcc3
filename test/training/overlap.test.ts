import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

type Weights = number[][];

describe('gradients that are reduced during backward', () => {
  for (const backend of ['cpu', 'wasm', 'tensorflow']) {
    describe(`on two ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('are started in time, and give the weights that reducing after backward gives', async () => {
        const { ranks } = await tsrun({ np: 2, script: 'scripts/overlap.ts', args: [backend], timeoutMs: 50_000 });
        const results = ranks.map(({ result }) => result as { weights: Record<string, Weights>; early: number });
        const { weights, early } = results[0]!;
        assert.deepEqual(results[1]!.weights, weights, 'the same bits on every rank');
        // Sums of two have the same bits in any order.
        for (const loop of ['fit', 'custom']) assert.deepEqual(weights[`${loop} with`], weights[`${loop} without`]);
        assert.ok(early >= 3, `${early} buckets were started before the end of backward`);
      });
    });
  }

  it('are reduced after backward where tfjs has no tape as expected, which is said once', async () => {
    const args = ['cpu', 'without tape'];
    const { ranks } = await tsrun({ np: 2, script: 'scripts/overlap.ts', args, timeoutMs: 50_000 });
    for (const { result, stderr } of ranks) {
      const { weights, early } = result as { weights: Record<string, Weights>; early: number };
      assert.deepEqual(weights['fit with'], weights['fit without']);
      assert.equal(early, 0);
      const lines = stderr.filter((line) => line.startsWith('tsring: '));
      assert.deepEqual(lines.length, 1, stderr.join('\n'));
      assert.match(lines[0]!, /no gradient tape as we know it; gradients are reduced after backward, not during it/);
    }
  });
});
