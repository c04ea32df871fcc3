import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

describe('options of DistributedOptimizer', () => {
  before(() => tf.setBackend('cpu'));

  it('are checked when it is made, by name', () => {
    const given = (options: object) => () => new ring.DistributedOptimizer(tf.train.sgd(1), options);
    const v = tf.variable(tf.scalar(1), true, 'checked/v');
    const wrong: [object, RegExp][] = [
      [{ overlap: 'yes' }, /overlap is "yes"; true or false/],
      [{ bucketBytes: 0 }, /bucketBytes is 0; a number above 0/],
      [{ firstBucketBytes: NaN }, /firstBucketBytes is NaN; a number above 0/],
      [{ groups: 0 }, /groups is 0; a whole number from 1/],
      [{ groups: [v] }, /groups is an object \(Array\); a number, or an array of arrays of variables/],
      [{ groups: [[v], [v]] }, /groups: variable "checked\/v" is there twice/],
      [{ gradientPredivideFactor: -1 }, /gradientPredivideFactor is -1; a number above 0/],
      [{ gradientPredivideFactor: 2, op: 'sum' }, /gradientPredivideFactor goes with op 'average', not with "sum"/],
      [{ backwardPassesPerStep: 1.5 }, /backwardPassesPerStep is 1.5; a whole number from 1/],
      [{ clipNorm: 0 }, /clipNorm is 0; a number above 0/],
      [{ localVariables: [1] }, /weight 0 is 1, not a tf.Variable/],
      [{ sparseAsDense: false }, /sparseAsDense is false; true, as tfjs has dense gradients only/],
      [{ backwardPasses: 2 }, /there is no option "backwardPasses"; one of op, name, overlap/],
    ];
    for (const [options, message] of wrong) assert.throws(given(options), ringError('RING_INVALID_ARGUMENT', message));
    v.dispose();
  });

  it('that one rank alone has a use for work there, too', async () => {
    const session = await ring.init();
    const v = tf.variable(tf.scalar(0));
    const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { backwardPassesPerStep: 2, clipNorm: 3 });
    const before = tf.memory().numTensors;
    for (const slope of [2, 6]) tf.tidy(() => void optimizer.minimize(() => v.mul(slope), false, [v]));
    assert.equal(v.dataSync()[0], -3);
    assert.equal(tf.memory().numTensors, before);
    optimizer.dispose();
    await session[Symbol.asyncDispose]();
  });

  for (const backend of ['cpu', 'wasm', 'tensorflow']) {
    describe(`on two ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('do to a step what they say', async () => {
        const args = [backend];
        const { ranks } = await tsrun({ np: 2, script: 'scripts/step-options.ts', args, timeoutMs: 50_000 });
        const expected = [
          'passes',
          'sum of passes',
          'noSync',
          'predivide',
          'clipNorm',
          'local variables',
          'synchronize',
        ];
        expected.push('groups', 'not trained', 'own way', 'leaks', 'failed step');
        for (const { result } of ranks) assert.deepEqual(result, expected);
      });
    });
  }
});
