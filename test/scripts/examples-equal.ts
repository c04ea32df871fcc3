// Trains the examples' models with this rank's share of every batch, and again alone, without tsring, with whole batches. Reports by model and
// optimizer how far apart the weights are, and a digest of those that the ranks trained together. EXAMPLE_BACKEND chooses the backend.
import { createHash } from 'node:crypto';
import type { LayersModel, Optimizer, Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs';
import { tf } from '../../examples/backend.js';
import { buildDiscriminator, buildGenerator } from '../../examples/gan/models.js';
import { readDigits, tensors } from '../../examples/mnist/digits.js';
import { buildModel as buildMnist } from '../../examples/mnist/model.js';
import { makeSpirals, tensorsOf } from '../../examples/spirals.js';
import { buildModel as buildTabular } from '../../examples/tabular/model.js';
import * as ring from '../../lib/index.js';
import { Numbers } from './numbers.js';
import { report } from './report.js';

const steps = 6;
const batch = 12;

/** Who trains: all ranks together, or this one alone. */
interface Trainer {
  optimizer(): Optimizer;
  /** What is fed of a batch after batch of rows. */
  share<T extends Tensor>(rows: T): T;
  readonly batch: number;
  /** Whose rows these are. */
  readonly ranks: readonly number[];
}

type Example = (trainer: Trainer) => Promise<LayersModel[]>;

await ring.init();
const place = { rank: ring.rank(), size: ring.size() };
const optimizers: Record<string, (rate: number) => Optimizer> = {
  sgd: (rate) => tf.train.sgd(rate),
  momentum: (rate) => tf.train.momentum(rate / 2, 0.9),
  adam: () => tf.train.adam(0.01),
};
const examples: Record<string, Example> = {
  mnist: (trainer) => fitted(trainer, buildMnist(), tensors(firstDigits())),
  tabular: (trainer) => fitted(trainer, buildTabular(), tensorsOf(makeSpirals(steps * batch))),
  'custom-loop': (trainer) => looped(trainer, tensorsOf(makeSpirals(steps * batch))),
  'fine-tuning': (trainer) => {
    const model = buildTabular();
    model.layers[1]!.trainable = false;
    return fitted(trainer, model, tensorsOf(makeSpirals(steps * batch, 0.9)));
  },
  gan: adversaries,
  uneven: unevenly,
};

const apart: Record<string, number> = {};
const digest = createHash('sha256');
for (const [example, train] of Object.entries(examples)) {
  for (const [name, make] of Object.entries(optimizers)) {
    const together = weightsOf(
      await train({
        optimizer: () => new ring.DistributedOptimizer(make(0.1)),
        share: ownRows,
        batch: batch / place.size,
        ranks: [place.rank],
      }),
    );
    const ranks = [...Array(place.size).keys()];
    const alone = weightsOf(await train({ optimizer: () => make(0.1), share: (rows) => rows, batch, ranks }));
    together.forEach((values) => digest.update(values));
    const differences = together.flatMap((values, w) =>
      Array.from(values, (value, i) => Math.abs(value - alone[w]![i]!)),
    );
    apart[`${example}, ${name}`] = differences.reduce((a, b) => Math.max(a, b));
  }
}
report({ apart, digest: digest.digest('hex') });
await ring.shutdown();

/** As `model.fit` does it in the examples. */
async function fitted(trainer: Trainer, model: LayersModel, [inputs, labels]: [Tensor2D, Tensor2D]) {
  start(model);
  model.compile({ optimizer: trainer.optimizer(), loss: 'categoricalCrossentropy' });
  const options = { batchSize: trainer.batch, epochs: 1, shuffle: false, verbose: 0, yieldEvery: 'never' as const };
  await model.fit(trainer.share(inputs), trainer.share(labels), options);
  return [model];
}

/** As `minimize` in a loop, with a loss of one's own. */
function looped(trainer: Trainer, [inputs, labels]: [Tensor2D, Tensor2D]): Promise<LayersModel[]> {
  const layer = (units: number, more: object) => tf.layers.dense({ units, ...more });
  const model = tf.sequential({
    layers: [layer(32, { inputShape: [2], activation: 'tanh' }), layer(2, { useBias: false })],
  });
  start(model);
  const optimizer = trainer.optimizer();
  const [points, truth] = [trainer.share(inputs), trainer.share(labels)];
  const rowsOf = (rows: Tensor2D, step: number) => rows.slice(step * trainer.batch, trainer.batch);
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const logits = () => model.apply(rowsOf(points, step).mul(6)) as Tensor;
      optimizer.minimize(() => tf.losses.softmaxCrossEntropy<Tensor, Scalar>(rowsOf(truth, step), logits()));
    });
  }
  return Promise.resolve([model]);
}

/** Two optimizers in turn. */
function adversaries(trainer: Trainer): Promise<LayersModel[]> {
  const [generator, discriminator] = [buildGenerator(), buildDiscriminator()];
  start(generator);
  start(discriminator);
  const numbers = new Numbers(11);
  const some = (width: number, mean: number): Tensor2D => {
    const values = Array.from({ length: batch * width }, () => mean + numbers.below(2000) / 1000 - 1);
    return trainer.share(tf.tensor2d(values, [batch, width]));
  };
  const judged = (values: Tensor) => discriminator.apply(values) as Tensor;
  const against = (truth: Tensor, logits: Tensor) => tf.losses.sigmoidCrossEntropy<Tensor, Scalar>(truth, logits);
  const variables = ({ trainableWeights }: LayersModel) =>
    trainableWeights.map((weight): unknown => weight.read()) as Variable[];
  const [forGenerator, forDiscriminator] = [trainer.optimizer(), trainer.optimizer()];
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const [noise, real] = [some(4, 0), some(1, 3)];
      const [ones, zeros] = [tf.ones([trainer.batch, 1]), tf.zeros([trainer.batch, 1])];
      const made = () => generator.apply(noise) as Tensor;
      const told = () => tf.add<Scalar>(against(ones, judged(real)), against(zeros, judged(made())));
      forDiscriminator.minimize(told, false, variables(discriminator));
      forGenerator.minimize(() => against(ones, judged(made())), false, variables(generator));
    });
  }
  return Promise.resolve([generator, discriminator]);
}

/** Rank r runs out of rows r steps before rank 0, and joins. From then on it counts as one that has a loss of zero. */
async function unevenly(trainer: Trainer): Promise<LayersModel[]> {
  const { ranks } = trainer;
  const model = buildTabular();
  start(model);
  const optimizer = trainer.optimizer();
  const variables = model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
  const each = batch / place.size;
  const [points, labels] = tensorsOf(makeSpirals(steps * batch));
  const lossOf = (rank: number, step: number) => {
    const rows = (all: Tensor2D) => all.slice(step * batch + rank * each, each);
    return tf.losses.logLoss<Tensor, Scalar>(rows(labels), model.apply(rows(points)) as Tensor);
  };
  for (let step = 0; step < steps; step++) {
    const present = ranks.filter((rank) => step + rank < steps);
    if (present.length === 0) break;
    const loss = () => tf.addN(present.map((rank) => lossOf(rank, step))).div<Scalar>(ranks.length);
    tf.tidy(() => void optimizer.minimize(loss, false, variables));
  }
  if (ranks.length === place.size) return [model];
  const last = await ring.join();
  await ring.broadcastWeights(model, last);
  return [model];
}

/** Weights that are the same in each run and on each rank, as large as a new layer's. */
function start(model: LayersModel): void {
  const numbers = new Numbers(7);
  const weights = model.getWeights().map(({ shape, size }) => {
    const scale = shape.length < 2 ? 0.1 : Math.sqrt(6 / (shape[0] + shape[1]!));
    return tf.tensor(
      Array.from({ length: size }, () => scale * (numbers.below(2001) / 1000 - 1)),
      shape,
    );
  });
  model.setWeights(weights);
}

/** Of each batch of rows this rank's run. */
function ownRows<T extends Tensor>(rows: T): T {
  const each = batch / place.size;
  const [count = 0, ...rest] = rows.shape;
  return tf.tidy(() => {
    const batches = tf.reshape(rows, [count / batch, batch, ...rest]);
    const own = tf.slice(batches, [0, place.rank * each], [count / batch, each]);
    return tf.reshape(own, [(count / batch) * each, ...rest]) as T;
  });
}

function firstDigits() {
  const { train } = readDigits();
  const count = steps * batch;
  return { count, images: train.images.slice(0, count * 784), labels: train.labels.slice(0, count * 10) };
}

function weightsOf(models: readonly LayersModel[]): Float32Array[] {
  return models.flatMap((model) => model.getWeights().map((weight) => weight.dataSync() as Float32Array));
}
