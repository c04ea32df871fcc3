import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

describe('DistributedOptimizer', () => {
  before(() => tf.setBackend('cpu'));

  it('throws at its first step out of a ring, and not when made', () => {
    const v = tf.variable(tf.scalar(1));
    const optimizer = new ring.DistributedOptimizer(tf.train.sgd(0.1));
    const step = () => tf.tidy(() => void optimizer.minimize(() => v.square(), false, [v]));
    assert.throws(step, (error: ring.RingError) => ['RING_NOT_INITIALIZED', 'RING_SHUT_DOWN'].includes(error.code));
  });

  it('refuses what is no optimizer, a second wrap, and unknown options', () => {
    const wrap = (inner: unknown, options?: unknown) => () =>
      new ring.DistributedOptimizer(inner as tf.Optimizer, options as ring.DistributedOptimizerOptions);
    assert.throws(wrap('sgd'), ringError('RING_INVALID_ARGUMENT', /inner is "sgd"; give an optimizer/));
    assert.throws(wrap(undefined), ringError('RING_INVALID_ARGUMENT', /inner is undefined/));
    assert.throws(
      wrap(tf.train.sgd(1), { op: 'max' }),
      ringError('RING_INVALID_ARGUMENT', /op is "max"; 'average', 'sum' or 'adasum'/),
    );
    assert.throws(wrap(tf.train.sgd(1), { name: '' }), ringError('RING_INVALID_ARGUMENT', /name has 0 bytes/));
    const wrapped = new ring.DistributedOptimizer(tf.train.sgd(1));
    assert.throws(wrap(wrapped), ringError('RING_INVALID_ARGUMENT', /distributed already; wrap it once/));
  });

  it('is an optimizer of its inner class, with its configuration', () => {
    const optimizer = new ring.DistributedOptimizer(tf.train.momentum(0.25, 0.5));
    assert.ok(optimizer instanceof tf.Optimizer);
    assert.ok(optimizer instanceof ring.DistributedOptimizer);
    assert.ok(!((tf.train.sgd(1) as unknown) instanceof ring.DistributedOptimizer));
    assert.equal(optimizer.getClassName(), 'Momentum');
    assert.deepEqual(optimizer.getConfig(), { learningRate: 0.25, momentum: 0.5, useNesterov: false });
  });

  describe('alone', () => {
    before(() => ring.init());
    after(() => ring.shutdown());

    const makers = {
      sgd: () => tf.train.sgd(0.1),
      momentum: () => tf.train.momentum(0.1, 0.9, true),
      adam: () => tf.train.adam(0.1),
      adamax: () => tf.train.adamax(0.1),
      adadelta: () => tf.train.adadelta(0.1),
      adagrad: () => tf.train.adagrad(0.1),
      rmsprop: () => tf.train.rmsprop(0.1, 0.9, 0.1, 1e-7, true),
    };
    for (const [name, make] of Object.entries(makers)) {
      it(`steps exactly as ${name} does, saves and loads as it, and leaves no tensor behind`, async () => {
        const trained = async (optimizer: tf.Optimizer) => {
          const model = tf.sequential({
            layers: [
              tf.layers.dense({
                units: 3,
                inputShape: [4],
                kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
              }),
            ],
          });
          model.compile({ optimizer, loss: 'meanSquaredError' });
          const xs = tf.tensor2d(
            Array.from({ length: 32 }, (_, i) => Math.sin(i)),
            [8, 4],
          );
          const fit = () => model.fit(xs, xs.slice([0, 0], [8, 3]), { batchSize: 4, epochs: 2, shuffle: false });
          await fit();
          const tensors = tf.memory().numTensors;
          await fit();
          // The targets of the second fit are ours.
          assert.equal(tf.memory().numTensors, tensors + 1);
          return model;
        };
        const plain = await trained(make());
        const model = await trained(new ring.DistributedOptimizer(make()));
        const weights = (from: tf.LayersModel) => from.getWeights().map((weight) => Array.from(weight.dataSync()));
        assert.deepEqual(weights(model), weights(plain));

        if (name === 'adamax') return; // tfjs cannot save its state

        let saved: tf.io.ModelArtifacts | undefined;
        const keep = tf.io.withSaveHandler((artifacts) => {
          saved = artifacts;
          return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } });
        });
        await model.save(keep, { includeOptimizer: true });
        const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
        assert.equal(loaded.optimizer.constructor, make().constructor);
        assert.ok(!(loaded.optimizer instanceof ring.DistributedOptimizer));
        assert.equal(loaded.optimizer.iterations, 8);
        assert.deepEqual(loaded.optimizer.getConfig(), model.optimizer.getConfig());
        assert.deepEqual(weights(loaded), weights(model));
      });
    }

    it('gives the cost on request, and hands null gradients on', () => {
      const [a, b] = [tf.variable(tf.scalar(3)), tf.variable(tf.scalar(5))];
      const optimizer = new ring.DistributedOptimizer(tf.train.sgd(0.5));
      const cost = optimizer.minimize(() => a.square(), true, [a, b]);
      assert.deepEqual([cost!.dataSync()[0], a.dataSync()[0], b.dataSync()[0]], [9, 0, 5]);
      assert.equal(
        optimizer.minimize(() => a.square(), false, [a]),
        null,
      );
      optimizer.dispose();
    });
  });

  for (const backend of ['cpu', 'wasm', 'tensorflow']) {
    describe(`on two ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('handles nulls, maps, sums, state, several optimizers, subclasses and differing models', async () => {
        const args = [backend];
        const { ranks } = await tsrun({ np: 2, script: 'scripts/distributed-optimizer.ts', args, timeoutMs: 50_000 });
        for (const { result } of ranks) {
          const { done, mismatches } = result as { done: string[]; mismatches: string[] };
          assert.deepEqual(done, [
            'nulls',
            'sum and map',
            'state',
            'two optimizers',
            'subclass',
            'learning rate',
            'leaks',
          ]);
          const expected = [
            /^RING_MISMATCH step with other names: variable 1 is "dense_1\/kernel" float32 \[1\] on rank 1 and "dense\/kernel" float32 \[1\] on rank 0/,
            /^RING_MISMATCH broadcastWeights.\d+: variable 1 is "dense_1\/kernel"/,
            /variable 0 is "shape" float32 \[1\] on rank 1 and "shape" float32 \[2\] on rank 0/,
            /^RING_MISMATCH broadcastWeights.\d+: variable 0 is "shape"/,
            /variable 1 is missing on rank 1 and "two" float32 \[1\] on rank 0 \(1 and 2 variables\); every rank must build the same model/,
            /^RING_MISMATCH broadcastWeights.\d+: variable 1 is missing/,
            /^RING_MISMATCH step with other options: overlap is true on rank 1 and not given on rank 0; give all ranks the same options/,
          ];
          expected.forEach((pattern, index) => assert.match(mismatches[index]!, pattern));
        }
      });
    });
  }
});
