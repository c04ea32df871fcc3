import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { ringError } from '../helpers/ring-error.js';

describe('ParameterServerOptimizer', () => {
  before(() => tf.setBackend('cpu'));

  it('refuses what is no optimizer of tfjs, a second wrap, and wrong options', () => {
    class Layerwise extends tf.SGDOptimizer {
      override applyGradients(gradients: Parameters<tf.SGDOptimizer['applyGradients']>[0]): void {
        super.applyGradients(gradients);
      }
    }
    const wrap = (inner: unknown, options?: object) => () =>
      new ring.ParameterServerOptimizer(inner as tf.Optimizer, options);
    const wrapped = new ring.ParameterServerOptimizer(tf.train.sgd(1));
    const wrong: [() => unknown, RegExp][] = [
      [wrap('sgd'), /inner is "sgd"; give an optimizer/],
      [wrap(new Layerwise(1)), /none of tfjs's own optimizers/],
      [wrap(wrapped), /on parameter servers already; wrap it once/],
      [wrap(tf.train.sgd(1), { sync: 1 }), /sync is 1; true or false/],
      [wrap(tf.train.sgd(1), { maxStaleness: -1 }), /maxStaleness is -1; a whole number of steps from 0, or Infinity/],
      [wrap(tf.train.sgd(1), { maxStaleness: 2, sync: true }), /leave maxStaleness out/],
      [wrap(tf.train.sgd(1), { staleness: 2 }), /there is no option "staleness"; it has sync, maxStaleness and name/],
      [wrap(tf.train.sgd(1), { name: '' }), /name has 0 bytes/],
    ];
    for (const [action, message] of wrong) assert.throws(action, ringError('RING_INVALID_ARGUMENT', message));
  });

  it('says at its first step that a job has no servers', async () => {
    const v = tf.variable(tf.scalar(1));
    const optimizer = new ring.ParameterServerOptimizer(tf.train.sgd(1));
    const noServers = ringError('RING_CONFIG', /no parameter servers; start it with tsrun --ps 1/);
    assert.throws(() => optimizer.minimize(() => v.square(), false, [v]), noServers);
    await assert.rejects(optimizer.saveCheckpoint('file'), noServers);
    await assert.rejects(optimizer.pullWeights(), ringError('RING_INVALID_ARGUMENT', /say which: the model/));
    await assert.rejects(
      optimizer.getWeights(),
      ringError('RING_INVALID_ARGUMENT', /optimizer.saveCheckpoint\(file\)/),
    );
    await optimizer.leave();
    v.dispose();
  });
});
