import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

describe('a compressor of gradients', () => {
  it('is an object with start, or a function, without a factor of ours', () => {
    const given = (options: object) => () => new ring.DistributedOptimizer(tf.train.sgd(1), options);
    const compression = () => [];
    const wrong: [object, RegExp][] = [
      [
        { compression: {} },
        /compression is an object \(Object\); 'none', 'fp16', 'bf16', 'int8', a compressor, or a function/,
      ],
      [{ compression: null }, /compression is null/],
      [{ compression, gradientPredivideFactor: 2 }, /gradientPredivideFactor is for sums that tsring makes/],
    ];
    for (const [options, message] of wrong) assert.throws(given(options), ringError('RING_INVALID_ARGUMENT', message));
    given({ compression })();
  });

  for (const backend of ['cpu', 'tensorflow']) {
    describe(`on two ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('reduces buckets its own way, with a state', async () => {
        const args = [backend];
        const { ranks } = await tsrun({ np: 2, script: 'scripts/gradient-compressor.ts', args, timeoutMs: 50_000 });
        for (const { result } of ranks) assert.deepEqual(result, ['state', 'function', 'results', 'abandoned']);
      });
    });
  }
});
