// Ranks with batches of different sizes, against one process with all rows: outputs, gradients, moving averages, and a trained model.
// Argument: backend.
import assert from 'node:assert/strict';
import type { LayersModel, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const done: string[] = [];
const numbers = (tensor: Tensor) => Array.from(tensor.dataSync());

/** Rank r has 2 r + 3 rows of each batch. */
const rowsOf = (rank: number) => 2 * rank + 3;
const before = [...Array(ring.rank()).keys()].reduce((sum, rank) => sum + rowsOf(rank), 0);
const total = [...Array(ring.size()).keys()].reduce((sum, rank) => sum + rowsOf(rank), 0);
const own = <T extends Tensor>(all: T): T => tf.slice(all, before, rowsOf(ring.rank()));
const uneven = (shape: number[], offset: number) =>
  tf.add(tf.sin(tf.range(0, tf.util.sizeFromShape(shape)).mul(7.3)).mul(3), offset).reshape(shape);

function assertClose(actual: Tensor, expected: Tensor, tolerance: number, what: string): void {
  assert.deepEqual(actual.shape, expected.shape, what);
  const [values, wanted] = [numbers(actual), numbers(expected)];
  const largest = Math.max(...values.map((value, index) => Math.abs(value - wanted[index]!)));
  assert.ok(largest <= tolerance, `${what}: differs by ${largest}`);
}

// The layer itself, beside the formula on all rows. A mean of 100 beside a deviation of 2 costs float32 two of its seven digits.
const cases = [
  { shape: [total, 4], args: {} },
  { shape: [total, 3, 2, 5], args: { center: false, scale: false, epsilon: 0.01 } },
  { shape: [total, 3, 4], args: { axis: 1, scale: false } },
  { shape: [total, 4], args: { momentum: 0.5 }, offset: 100, tolerance: 1e-3 },
];
for (const { shape, args, offset = 1, tolerance = 2e-5 } of cases) {
  const layer = ring.layers.syncBatchNormalization(args);
  layer.build(shape);
  const { axis = -1, epsilon = 1e-3, momentum = 0.99 } = args as { axis?: number; epsilon?: number; momentum?: number };
  const channel = axis < 0 ? shape.length + axis : axis;
  const axes = [...shape.keys()].filter((dimension) => dimension !== channel);
  const all = uneven(shape, offset);
  const weight = uneven(shape, 0.3); // of each element in the loss
  const lossOf = (y: Tensor, factor: Tensor) => tf.sum<Scalar>(tf.mul(tf.add(y, tf.square(y)), factor));
  const plain = (x: Tensor) => {
    const { mean, variance } = tf.moments(x, axes, true);
    return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)));
  };
  const layered = (x: Tensor) => layer.apply(x, { training: true }) as Tensor;
  assertClose(layered(own(all)), own(plain(all)), tolerance, `output of ${JSON.stringify(shape)}`);
  const { mean, variance } = tf.moments(all, axes);
  const [movingMean, movingVariance] = layer.getWeights().slice(-2);
  assertClose(movingMean!, mean.mul(1 - momentum), tolerance, 'moving mean');
  assertClose(movingVariance!, variance.mul(1 - momentum).add(momentum), tolerance, 'moving variance');
  const expected = tf.grad((x) => lossOf(plain(x), weight))(all);
  const gradient = tf.grad((x) => lossOf(layered(x), own(weight)))(own(all));
  assertClose(gradient, own(expected), 10 * tolerance, `gradient of ${JSON.stringify(shape)}`);
}
done.push('layer');

// A model that trains, with tfjs's layer alone and with ours here.
const build = (synchronized: boolean) =>
  tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [3], units: 6, kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }) }),
      synchronized ? ring.layers.syncBatchNormalization({ name: 'n' }) : tf.layers.batchNormalization({ name: 'n' }),
      tf.layers.activation({ activation: 'tanh' }),
      tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }) }),
    ],
  });
const variables = (model: LayersModel) => model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
const [together, alone] = [build(true), build(false)];
const options = { op: 'sum', overlap: true, firstBucketBytes: 16 } as const;
const optimizer = new ring.DistributedOptimizer(tf.train.momentum(0.02, 0.9), options);
const plainOptimizer = tf.train.momentum(0.02, 0.9);
const started = tf.memory().numTensors;
let tensors = 0;
for (let step = 0; step < 6; step++) {
  tf.tidy(() => {
    const all = uneven([total, 3], step / 3);
    const truth = tf.mul(tf.slice(all, [0, 0], [total, 1]), tf.slice(all, [0, 1], [total, 1]));
    // The part of these rows in the mean over all rows.
    const loss = (model: LayersModel, x: Tensor, y: Tensor) => () =>
      tf.sum<Scalar>(tf.squaredDifference(y, model.apply(x, { training: true }) as Tensor)).div<Scalar>(total);
    optimizer.minimize(loss(together, own(all), own(truth)), false, variables(together));
    plainOptimizer.minimize(loss(alone, all, truth), false, variables(alone));
  });
  if (step === 0) tensors = tf.memory().numTensors;
}
assert.equal(tf.memory().numTensors, tensors, `${started} tensors before the first step`);
alone
  .getWeights()
  .forEach((weight, index) => assertClose(together.getWeights()[index]!, weight, 2e-5, `weight ${index}`));
assert.deepEqual(
  together.weights.map(({ originalName }) => originalName.replace(/_\d+$/, '')).filter((name) => name.startsWith('n/')),
  ['n/gamma', 'n/beta', 'n/moving_mean', 'n/moving_variance'],
);
done.push('training');

// Inference is tfjs's layer's, and a saved model brings the layer back.
const question = uneven([4, 3], 0);
assertClose(together.predict(question) as Tensor, alone.predict(question) as Tensor, 5e-5, 'inference');
let saved: Parameters<typeof tf.io.fromMemory>[0] | undefined;
await together.save(
  tf.io.withSaveHandler((artifacts) => {
    saved = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } });
  }),
);
const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
assert.equal(loaded.layers[1]!.getClassName(), 'SyncBatchNormalization');
assertClose(loaded.predict(question) as Tensor, together.predict(question) as Tensor, 0, 'inference once loaded');
const ys = tf.zeros([4, 1]);
loaded.compile({ optimizer: new ring.DistributedOptimizer(tf.train.sgd(0.1)), loss: 'meanSquaredError' });
await loaded.fit(question.add(ring.rank()), ys, { batchSize: 2, epochs: 1, shuffle: false });
const averages = await ring.allgather(loaded.layers[1]!.getWeights()[2]!);
const [first, second] = tf.split(averages, ring.size());
assert.deepEqual(numbers(first!), numbers(second!), 'the same bits of moving averages');
done.push('saved and loaded');

// A set of one rank, which is its own whole batch; and a rank that has no more rows, while others go on.
const lone = new ring.ProcessSet([0]);
await ring.addProcessSet(lone);
if (lone.included()) {
  const layer = ring.layers.syncBatchNormalization({ processSet: lone, scale: false });
  const normal = layer.apply(question, { training: true }) as Tensor;
  assertClose(tf.mean(normal, 0), tf.zeros([3]), 1e-6, 'mean in a set');
}
const last = ring.size() - 1;
if (ring.rank() < last) {
  const layer = ring.layers.syncBatchNormalization();
  const gradient = tf.grad((x) => tf.sum(tf.square(layer.apply(x, { training: true }) as Tensor)))(question);
  assert.ok(numbers(gradient).every(Number.isFinite));
  const { mean } = tf.moments(question, 0);
  assertClose(layer.getWeights()[2]!, mean.mul(0.01), 1e-6, 'moving mean without those who have joined');
}
await ring.join();
done.push('sets and joins');
report(done);
await ring.shutdown();
