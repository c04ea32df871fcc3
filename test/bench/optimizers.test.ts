import * as tf from '@tensorflow/tfjs';
import assert from 'node:assert/strict';
import { makeOptimizer } from '../../bench/optimizers.js';
import { optimizerNames } from '../../bench/train-options.js';

describe('bench/optimizers', () => {
  before(async () => {
    tf.enableProdMode();
    await tf.setBackend('cpu');
  });

  for (const name of optimizerNames) {
    it(`${name} goes downhill`, () => {
      const optimizer = makeOptimizer(tf, name, 0.1);
      const x = tf.variable(tf.scalar(2));
      const losses = Array.from({ length: 5 }, () => {
        const loss = optimizer.minimize(() => x.square(), true, [x])!;
        return loss.dataSync()[0]!;
      });
      assert.equal(losses[0], 4);
      assert.ok(losses[4]! < 4, `loss ${losses[4]}`);
      x.dispose();
      optimizer.dispose();
    });
  }
});
