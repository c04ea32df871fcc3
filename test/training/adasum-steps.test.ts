import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

describe("DistributedOptimizer with op 'adasum'", () => {
  it('says what does not go with it', () => {
    const given = (options: object) => () =>
      new ring.DistributedOptimizer(tf.train.sgd(1), { op: 'adasum', ...options });
    for (const options of [
      { compression: 'fp16' },
      { compression: () => [] },
      { clipNorm: 1 },
      { gradientPredivideFactor: 2 },
      { shardOptimizerState: true },
    ])
      assert.throws(given(options), ringError('RING_INVALID_ARGUMENT', /adasum/));
  });

  for (const [np, backend] of [
    [2, 'cpu'],
    [3, 'cpu'],
    [2, 'tensorflow'],
  ] as const) {
    describe(`on ${np} ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('takes the steps that a plain computation takes', async () => {
        const args = [backend];
        const { ranks } = await tsrun({ np, script: 'scripts/adasum-steps.ts', args, timeoutMs: 50_000 });
        for (const { result } of ranks) assert.deepEqual(result, ['sgd', 'momentum', 'adam', 'variables', 'methods']);
      });
    });
  }
});
