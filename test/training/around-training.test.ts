import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

describe('around training', () => {
  for (const backend of ['cpu', 'tensorflow']) {
    describe(`on two ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('state goes to all ranks, callbacks agree, and data are shared out', async () => {
        const args = [backend];
        const { ranks } = await tsrun({ np: 2, script: 'scripts/around-training.ts', args, timeoutMs: 50_000 });
        for (const { result } of ranks) {
          assert.deepEqual(result, ['optimizer state', 'model from rank 0', 'callbacks', 'shares']);
        }
      });
    });
  }
});
