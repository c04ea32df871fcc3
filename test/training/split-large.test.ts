import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { DistributedOptimizer, type DistributedOptimizerOptions } from '../../lib/index.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

type Results = Record<string, { weights: number[]; operations: number; leaked: number }>;

describe('gradients larger than a bucket, in slices', () => {
  for (const backend of ['cpu', 'tensorflow']) {
    it(`have the bits that they have whole, ${backend} backend`, async function () {
      if (backend === 'tensorflow') skipWithoutTensorflow(this);
      const args = [backend];
      const { ranks } = await tsrun({ np: 2, script: 'scripts/split-large.ts', args, timeoutMs: 50_000 });
      const [first, second] = ranks.map(({ result }) => result as Results);
      assert.deepEqual(second, first);
      for (const compression of ['none', 'int8']) {
        const [whole, split] = [first![`${compression} whole`]!, first![`${compression} split`]!];
        assert.deepEqual(split.weights, whole.weights, compression);
        assert.equal(whole.operations, 2);
        assert.equal(split.operations, 1 + Math.ceil(2100 / 256));
        assert.deepEqual([whole.leaked, split.leaked], [0, 0]);
      }
    });
  }

  it('are refused where gradients are taken whole', () => {
    const make = (options: DistributedOptimizerOptions) => () =>
      new DistributedOptimizer(tf.train.sgd(1), { splitLarge: true, ...options });
    const refused = (pattern: RegExp) => ringError('RING_INVALID_ARGUMENT', pattern);
    assert.throws(make({ splitLarge: 1 as never }), refused(/splitLarge is 1; true or false/));
    assert.throws(make({ groups: 2 }), refused(/splitLarge does not go with groups/));
    assert.throws(make({ compression: ({ gradients }) => gradients }), refused(/does not go with a compressor/));
    assert.throws(make({ shardOptimizerState: true }), refused(/with shardOptimizerState .* leave splitLarge out/));
    assert.throws(make({ op: 'adasum' }), refused(/splitLarge does not go with op 'adasum'/));
  });
});
