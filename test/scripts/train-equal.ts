// Trains a small net with this rank's share of every global batch and reports the weights. Arguments: backend, optimizer, global batch,
// fit | minimize | applyGradients.
import type { LayersModel, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { Numbers } from './numbers.js';
import { report } from './report.js';

const [backend = 'cpu', optimizerName = 'sgd', globalBatch = '12', loop = 'fit'] = process.argv.slice(2);
const tf = await openBackend(backend);
await ring.init();

const batch = Number(globalBatch) / ring.size();
const steps = 10;
const { inputs, targets } = ownRows();
const xs = tf.tensor2d(inputs);
const ys = tf.tensor2d(targets);

const model = tf.sequential({
  layers: [
    tf.layers.dense({ inputShape: [5], units: 7, activation: 'tanh', kernelInitializer: random() }),
    tf.layers.dense({ units: 2, kernelInitializer: random() }),
  ],
});
const makers = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.05, 0.9),
  adam: () => tf.train.adam(0.01),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
};
const optimizer = new ring.DistributedOptimizer(makers[optimizerName as keyof typeof makers]());
await ring.broadcastWeights(model, ring.size() - 1);
if (loop === 'fit') await fit();
else custom(model, loop === 'minimize');
report({
  weights: model.getWeights().map((weight) => Array.from(weight.dataSync())),
  iterations: optimizer.iterations,
});
await ring.shutdown();

async function fit(): Promise<void> {
  model.compile({ optimizer, loss: 'meanSquaredError' });
  await model.fit(xs, ys, { batchSize: batch, epochs: 1, shuffle: false });
}

function custom(net: LayersModel, minimize: boolean): void {
  const variables = net.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
  for (let step = 0; step < steps; step++) {
    const loss = (): Scalar =>
      tf.losses.meanSquaredError(ys.slice(step * batch, batch), net.apply(xs.slice(step * batch, batch)) as Tensor);
    tf.tidy(() => {
      if (minimize) optimizer.minimize(loss, false, variables);
      else optimizer.applyGradients(tf.variableGrads(loss, variables).grads as never); // tfjs types the map as one of variables
    });
  }
}

/** The same on all runs whose last rank is the same; every rank but that one starts elsewhere, and is brought in line. */
function random() {
  const seed = ring.rank() === ring.size() - 1 ? 5 : 100 + ring.rank();
  return tf.initializers.glorotUniform({ seed });
}

/** Of global batch 0, 1 ... this rank's rows, one run of them a batch. */
function ownRows(): { inputs: number[][]; targets: number[][] } {
  const numbers = new Numbers(3);
  const rows = Array.from({ length: steps * Number(globalBatch) }, () =>
    Array.from({ length: 5 }, () => numbers.below(200) / 100 - 1),
  );
  const own = rows.filter((_, row) => Math.floor((row % Number(globalBatch)) / batch) === ring.rank());
  return { inputs: own, targets: own.map(([a = 0, b = 0, c = 0]) => [a * b, Math.sin(c) + a]) };
}
