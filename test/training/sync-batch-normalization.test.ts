import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

describe('SyncBatchNormalization', () => {
  for (const [backend, np] of [
    ['cpu', 3],
    ['wasm', 2],
    ['tensorflow', 2],
  ] as const) {
    describe(`on ${np} ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('does with batches of different sizes what one process does with all rows', async () => {
        const script = 'scripts/sync-batch-normalization.ts';
        const { ranks } = await tsrun({ np, script, args: [backend], timeoutMs: 55_000 });
        for (const { result } of ranks)
          assert.deepEqual(result, ['layer', 'training', 'saved and loaded', 'sets and joins']);
      });
    });
  }
});
