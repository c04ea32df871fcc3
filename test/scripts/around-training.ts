// Two ranks: optimizer state and models that only one rank has, callbacks of fit, shares of data.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { io, LayersModel, Optimizer, Tensor } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const rank = ring.rank();
const done: string[] = [];
const values = (tensor: Tensor) => Array.from(tensor.dataSync());
const buildModel = (seed: number) =>
  tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [1], units: 2, kernelInitializer: tf.initializers.glorotUniform({ seed }) }),
    ],
  });

{
  // Momentum, number of steps and learning rate of rank 1 go to rank 0, which has none, or others; then they step alike.
  const makers = [
    () => tf.train.momentum(0.5, 0.5),
    () => tf.train.adam(0.5),
    () => tf.train.rmsprop(0.5, 0.9, 0.5),
    () => tf.train.sgd(0.5),
  ];
  for (const [index, make] of makers.entries()) {
    const v = tf.variable(tf.tensor1d([0, 0]), true, `state/${index}`);
    const optimizer: Optimizer = make();
    const step = (gradient: number) => optimizer.applyGradients([{ name: v.name, tensor: tf.tensor1d([gradient, 1]) }]);
    for (let count = 0; count < 3 * rank; count++) tf.tidy(() => step(4));
    if (rank === 1) (optimizer as unknown as { learningRate: number }).learningRate = 0.25;
    if (rank === 1 && 'setLearningRate' in optimizer)
      (optimizer as ReturnType<typeof tf.train.sgd>).setLearningRate(0.25);
    await ring.broadcastWeights([v], 1);
    await ring.broadcastOptimizerState(optimizer, 1);
    assert.equal(optimizer.iterations, 3);
    tf.tidy(() => step(2));
    const all = await ring.allgather(v);
    assert.deepEqual(values(all).slice(0, 2), values(all).slice(2), optimizer.getClassName());
    assert.notDeepEqual(values(v), [0, 0]);
  }
  const error = await caught(() => ring.broadcastOptimizerState(rank === 0 ? tf.train.sgd(1) : tf.train.adam(1)));
  assert.match(`${error.code} ${error.message}`, /^RING_MISMATCH .*the optimizer is Adam on rank 1 and SGD on rank 0/);
  done.push('optimizer state');
}
{
  // A model that only rank 0 can read; and one that it cannot.
  let saved: io.ModelArtifacts | undefined;
  const model = buildModel(7 + rank);
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } });
    }),
  );
  const source = rank === 0 ? tf.io.fromMemory(saved!) : 'nowhere://at-all';
  const loaded = await tf.loadLayersModel(ring.fromRank0(source));
  const kernels = await ring.allgather(loaded.getWeights()[0]!);
  assert.deepEqual(values(kernels).slice(0, 2), values(kernels).slice(2));
  if (rank === 0) assert.deepEqual(values(loaded.getWeights()[0]!), values(model.getWeights()[0]!));
  const error = await caught(() => tf.loadLayersModel(ring.fromRank0('nowhere://at-all')));
  assert.match(
    `${error.code} ${error.message}`,
    /^RING_INVALID_ARGUMENT fromRank0: rank 0 cannot load the model: .*nowhere/,
  );
  done.push('model from rank 0');
}
{
  // Losses of 0 and 4 on the ranks, and so on: every rank sees the means, stops after the same epoch, and rank 0 alone writes.
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tsring-test-'));
  const lines: string[] = [];
  const rates: number[] = [];
  let saves = 0;
  const model: LayersModel = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [1], units: 1, useBias: false, kernelInitializer: 'zeros' })],
  });
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1e-12));
  model.compile({ optimizer, loss: 'meanSquaredError' });
  class Rates extends tf.Callback {
    override onBatchEnd(): Promise<void> {
      rates.push((model.optimizer as unknown as { learningRate: number }).learningRate);
      return Promise.resolve();
    }
  }
  const counted = tf.io.withSaveHandler(() => {
    saves += 1;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } });
  });
  const xs = tf.ones([4, 1]);
  const ys = tf.fill([4, 1], 2 * rank);
  const { history } = await model.fit(xs, ys, {
    epochs: 6,
    batchSize: 2,
    validationData: [xs, ys],
    callbacks: [
      ring.callbacks.averageMetrics(),
      ring.callbacks.learningRateWarmup({ warmupEpochs: 2 }),
      ring.callbacks.bestCheckpoint(counted, { monitor: 'loss' }),
      ring.callbacks.earlyStopping({ monitor: 'val_loss', minDelta: 0.1, patience: 2 }),
      ring.callbacks.progress((line) => lines.push(line)),
      ring.callbacks.tensorBoard(folder),
      new Rates(),
    ],
  });
  assert.deepEqual(
    history['loss']!.map((loss) => Math.round(Number(loss) * 1000) / 1000),
    [2, 2, 2],
  );
  assert.deepEqual(history['val_loss']!.length, 3);
  assert.deepEqual(
    rates.map((rate) => Math.round(rate * 1e15)),
    [500, 625, 750, 875, 1000, 1000],
  );
  const files = readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('tfevents'));
  assert.deepEqual([lines.length, files.length, saves >= 1], rank === 0 ? [3, 2, true] : [0, 0, false]);
  if (rank === 0) {
    assert.match(lines[2]!, /^epoch 3\/6 \(\d+\.\d s\): val_loss 2\.000, loss 2\.000$/);
    assert.match(readFileSync(path.join(folder, String(files[0])), 'latin1'), /brain\.Event:2.*epoch_loss/s);
  }
  rmSync(folder, { recursive: true });
  const schedule = ring.callbacks.learningRateSchedule((epoch, initial) => initial / 10 ** epoch);
  await model.fit(xs, ys, { epochs: 2, callbacks: [schedule] });
  assert.ok(Math.abs((model.optimizer as unknown as { learningRate: number }).learningRate - 1e-13) < 1e-20);
  const missing = await caught(() => model.fit(xs, ys, { callbacks: [ring.callbacks.earlyStopping()] }));
  assert.match(missing.message, /earlyStopping: the logs have no "val_loss"; they have loss/);
  done.push('callbacks');
}
{
  // Shares of an array, of rows, and of a dataset: equal, or with the rest.
  const names = ['a', 'b', 'c', 'd', 'e'];
  assert.deepEqual(ring.shard(names), rank === 0 ? ['a', 'c'] : ['b', 'd']);
  assert.deepEqual(ring.shard(names, { uneven: true }), rank === 0 ? ['a', 'c', 'e'] : ['b', 'd']);
  const rows = tf.tensor2d([[0], [1], [2], [3], [4]]);
  assert.deepEqual(values(ring.shard(rows)), rank === 0 ? [0, 1] : [2, 3]);
  assert.deepEqual(values(ring.shard(rows, { uneven: true })), rank === 0 ? [0, 1, 2] : [3, 4]);
  const dataset = tf.data.array(names).map((name) => ({ name }));
  const shared = ring.shard(dataset);
  const seen: unknown[] = [];
  for (let epoch = 0; epoch < 2; epoch++) await shared.forEachAsync((element) => seen.push(element.name));
  assert.deepEqual(seen, rank === 0 ? ['a', 'c', 'a', 'c'] : ['b', 'd', 'b', 'd']);
  assert.deepEqual([shared.size, ring.shard(dataset, { uneven: true }).size], [2, 3 - rank]);

  const examples = tf.data.generator(function* () {
    for (let i = 0; i < 9; i++) yield { xs: tf.tensor1d([i]), ys: tf.tensor1d([2 * i]) };
  });
  const model = buildModel(3);
  model.add(tf.layers.dense({ units: 1 }));
  model.compile({ optimizer: new ring.DistributedOptimizer(tf.train.sgd(0.001)), loss: 'meanSquaredError' });
  const before = tf.memory().numTensors;
  const sharded: object = ring.shard(examples).batch(2).prefetch(2);
  const { history } = await model.fitDataset(sharded as Parameters<LayersModel['fitDataset']>[0], { epochs: 2 });
  assert.equal(history['loss']!.length, 2);
  assert.equal(model.optimizer.iterations, 4);
  assert.equal(tf.memory().numTensors, before);
  const weights = await ring.allgather(model.getWeights()[2]!);
  assert.deepEqual(values(weights).length, 4);
  done.push('shares');
}

report(done);
await ring.shutdown();
