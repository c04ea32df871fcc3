// Ranks train a small net on parameter servers with `sync`, by several optimizers, and rank 0 trains it alone with the whole batch. Reports the
// weights that came of both. Arguments: backend, optimizers.
import type { LayersModel, Optimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../../dist/lib/index.js';
import { openBackend } from '../../helpers/backends.js';
import { Numbers } from '../numbers.js';
import { report } from '../report.js';

const [backend = 'cpu', ...names] = process.argv.slice(2);
const tf = await openBackend(backend);
await ring.init();

const [steps, batch] = [8, 12];
const numbers = new Numbers(3);
const rows = Array.from({ length: steps * batch }, () => Array.from({ length: 5 }, () => numbers.below(200) / 100 - 1));
const targets = rows.map(([a = 0, b = 0, c = 0]) => [a * b, Math.sin(c) + a]);
/** Of each batch the rows of `part`. */
const dataOf = (part: number, parts: number) => {
  const own = <T>(all: T[]) => all.filter((_, row) => Math.floor(((row % batch) * parts) / batch) === part);
  return { xs: tf.tensor2d(own(rows)), ys: tf.tensor2d(own(targets)), size: batch / parts };
};
/** With names of its own, as ranks build different numbers of models. */
const build = (seed: number, name: string) => {
  const random = () => tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    layers: [
      tf.layers.dense({
        name: `${name}/first`,
        inputShape: [5],
        units: 7,
        activation: 'tanh',
        kernelInitializer: random(),
      }),
      tf.layers.dense({ name: `${name}/second`, units: 2, kernelInitializer: random() }),
    ],
  });
};
const weightsOf = (model: LayersModel) => model.getWeights().map((weight) => Array.from(weight.dataSync()));

async function fit(model: LayersModel, optimizer: Optimizer, data: ReturnType<typeof dataOf>) {
  model.compile({ optimizer, loss: 'meanSquaredError' });
  await model.fit(data.xs, data.ys, { batchSize: data.size, epochs: 1, shuffle: false });
  return weightsOf(model);
}

/** By hand, with a learning rate that changes. */
function loop(model: LayersModel, optimizer: Optimizer, { xs, ys, size }: ReturnType<typeof dataOf>) {
  const variables = model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
  for (let step = 0; step < steps; step++) {
    const part = (all: Tensor) => all.slice(step * size, size);
    const loss = (): Scalar => tf.losses.meanSquaredError(part(ys), model.apply(part(xs)) as Tensor);
    (optimizer as unknown as { learningRate: number }).learningRate = 0.02 / (1 + step);
    tf.tidy(() => void optimizer.minimize(loss, false, variables));
  }
  return weightsOf(model);
}

const makers: Record<string, () => Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.05, 0.9, true),
  adam: () => tf.train.adam(0.01),
};
const results: Record<string, { served: number[][]; alone?: number[][] }> = {};
for (const name of names) {
  const train = name === 'adam' ? loop : fit;
  const optimizer = new ring.ParameterServerOptimizer(makers[name]!(), { sync: true });
  // Ranks but the chief start elsewhere, and begin with what it has.
  const served = await train(build(1 + ring.rank(), name), optimizer, dataOf(ring.rank(), ring.size()));
  results[name] = { served };
  if (ring.rank() === 0)
    results[name] = { served, alone: await train(build(1, `${name}/alone`), makers[name]!(), dataOf(0, 1)) };
}
report(results);
