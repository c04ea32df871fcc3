// Four ranks in two sets, each of which trains a model of its own while the other set trains another, with a different number of steps.
// Argument: backend.
import assert from 'node:assert/strict';
import type { LayersModel, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
const sets = [new ring.ProcessSet([0, 2]), new ring.ProcessSet([1, 3])];
await ring.init({ processSets: sets });
const which = ring.rank() % 2;
const processSet = sets[which]!;
const root = processSet.ranks[1]!;
const units = 3 + which; // the models have not even the same shapes
const steps = which === 0 ? 4 : 7;
const globalBatch = 8;
const rowsOf = (step: number) =>
  Array.from({ length: globalBatch }, (_, row) =>
    [0, 1, 2].map((column) => Math.sin(17 * which + step * 5 + row * 3 + column)),
  );

function build(seed: number): LayersModel {
  const glorot = (add: number) => tf.initializers.glorotUniform({ seed: seed + add });
  return tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [3], units, activation: 'tanh', kernelInitializer: glorot(0) }),
      tf.layers.dense({ units: 1, kernelInitializer: glorot(1) }),
    ],
  });
}
const truth = (rows: number[][]) => tf.tensor2d(rows.map(([a = 0, b = 0]) => [a * b]));
const variables = (model: LayersModel) => model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
const numbers = (model: LayersModel) => model.getWeights().map((weight) => Array.from(weight.dataSync()));

/** The rows of one rank, a run of `batch` rows for each step. */
const own = Array.from({ length: steps }, (_, step) =>
  rowsOf(step).slice(4 * processSet.rank(), 4 * processSet.rank() + 4),
);

const model = build(ring.rank() === root ? 5 : 100 + ring.rank());
await ring.broadcastWeights(model, root, { processSet });
const options = { processSet, overlap: true, firstBucketBytes: 16, bucketBytes: 32 };
const optimizer = new ring.DistributedOptimizer(tf.train.momentum(0.1, 0.9), options);
model.compile({ optimizer, loss: 'meanSquaredError' });
const lines: string[] = [];
const { history } = await model.fit(tf.tensor2d(own.flat()), truth(own.flat()), {
  batchSize: 4,
  shuffle: false,
  epochs: 1,
  callbacks: [
    ring.callbacks.averageMetrics({ processSet }),
    ring.callbacks.earlyStopping({ processSet, monitor: 'loss', patience: 9 }),
    ring.callbacks.progress((line) => lines.push(line), { processSet }),
  ],
});
assert.equal(lines.length, ring.rank() === processSet.ranks[0] ? 1 : 0);
const losses = await ring.allgather(Float64Array.of(Number(history['loss']![0])), { processSet });
assert.equal(losses[0], losses[1]);

// The optimizer's state of one rank, on the others of the set; and a step with gradients of a loop of its own.
await ring.broadcastOptimizerState(optimizer, root, { processSet });
const rows = own[0]!;
tf.tidy(() => {
  const loss = (): Scalar => tf.losses.meanSquaredError(truth(rows), model.apply(tf.tensor2d(rows)) as Tensor);
  const { grads } = ring.distributedGradients(loss, variables(model), { processSet });
  optimizer.skipSynchronize(() => optimizer.applyGradients(grads as never));
});

// The same in one process, on all rows of the set.
const alone = build(5);
const plain = tf.train.momentum(0.1, 0.9);
for (const step of [...Array(steps).keys(), 0]) {
  const all = rowsOf(step);
  const loss = (): Scalar => tf.losses.meanSquaredError(truth(all), alone.apply(tf.tensor2d(all)) as Tensor);
  tf.tidy(() => void plain.minimize(loss, false, variables(alone)));
}
const expected = numbers(alone);
const largest = Math.max(
  ...numbers(model).flatMap((tensor, t) => tensor.map((x, i) => Math.abs(x - expected[t]![i]!))),
);
assert.ok(largest < 2e-6, `weights differ by ${largest}`);

// Shares of data go by the set, and so do messages: with the numbers of ranks in the job.
const share = ring.shard(['a', 'b', 'c', 'd'], { processSet });
assert.deepEqual(share, processSet.rank() === 0 ? ['a', 'c'] : ['b', 'd']);
assert.deepEqual(
  [...new ring.DistributedSampler(4, { shuffle: false, processSet })],
  processSet.rank() === 0 ? [0, 2] : [1, 3],
);
const other = tf.variable(tf.zeros([1 + ring.rank()]), true, 'other');
const mismatch = await caught(() => ring.broadcastWeights([other], root, { processSet }));
const outside = await caught(() => {
  const stranger = new ring.DistributedOptimizer(tf.train.sgd(1), { processSet: sets[1 - which]! });
  stranger.minimize(() => other.sum<Scalar>(), false, [other]);
});
report({ set: which, weights: numbers(model), mismatch: mismatch.message, outside: outside.message });
await ring.shutdown();
