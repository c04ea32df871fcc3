// Two ranks: what a step does with nulls, maps, other orders of dtypes, several optimizers; and what it leaves behind.
import assert from 'node:assert/strict';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const rank = ring.rank();
const variable = (name: string, ...values: number[]) => tf.variable(tf.tensor1d(values), true, name);
const values = (tensor: Tensor) => Array.from(tensor.dataSync());
const done: string[] = [];

{
  // A rank without a gradient counts as zeros, and the others' gradient reaches it.
  const a = variable('null/a', 1, 2);
  const b = variable('null/b', 10);
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1));
  const gradients = [
    { name: a.name, tensor: tf.tensor1d([1, 2]) },
    { name: b.name, tensor: rank === 0 ? (null as unknown as Tensor) : tf.tensor1d([4]) },
  ];
  optimizer.applyGradients(gradients);
  assert.deepEqual([values(a), values(b)], [[0, 0], [8]]);
  optimizer.minimize(() => tf.sum(rank === 0 ? a.square() : b.square()), false, [a, b]);
  assert.deepEqual([values(a), values(b)], [[0, 0], [0]]);
  done.push('nulls');
}
{
  // The sum, by option; the map form; the cost is this rank's own.
  const v = variable('sum/v', 3);
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { op: 'sum', name: 'own name' });
  const cost = optimizer.minimize(() => v.mul(rank + 1).sum<Scalar>(), true, [v]);
  assert.deepEqual([values(v), values(cost!)], [[0], [3 * (rank + 1)]]);
  optimizer.applyGradients({ [v.name]: tf.tensor1d([rank]) });
  assert.deepEqual(values(v), [-1]);
  done.push('sum and map');
}
{
  // State belongs to positions: a null does not move the momentum of the variables that follow.
  const a = variable('state/a', 0);
  const b = variable('state/b', 0);
  const optimizer = new ring.DistributedOptimizer(tf.train.momentum(1, 0.5));
  const step = (left: number | null, right: number) =>
    optimizer.applyGradients([
      { name: a.name, tensor: left === null ? (null as unknown as Tensor) : tf.tensor1d([left]) },
      { name: b.name, tensor: tf.tensor1d([right]) },
    ]);
  step(2, 4);
  step(null, 4);
  assert.deepEqual([values(a), values(b)], [[-3], [-10]]);
  done.push('state');
}
{
  // Two optimizers, steps in turn, as a GAN has them; and a step with other variables, on all ranks.
  const [a, b] = [variable('two/a', 0), variable('two/b', 0)];
  const optimizers = [a, b].map(() => new ring.DistributedOptimizer(tf.train.sgd(1)));
  for (let round = 0; round < 3; round++) {
    optimizers[0]!.applyGradients([{ name: a.name, tensor: tf.tensor1d([rank]) }]);
    optimizers[1]!.applyGradients([{ name: b.name, tensor: tf.tensor1d([2 * rank]) }]);
  }
  optimizers[0]!.applyGradients([{ name: b.name, tensor: tf.tensor1d([6 * rank]) }]);
  assert.deepEqual([values(a), values(b)], [[-1.5], [-6]]);
  done.push('two optimizers');
}
{
  // A subclass with private fields, which calls itself in the other form: reduced once.
  class Doubling extends tf.SGDOptimizer {
    #steps = 0;
    override applyGradients(gradients: Parameters<typeof tf.SGDOptimizer.prototype.applyGradients>[0]): void {
      if (!Array.isArray(gradients)) {
        this.applyGradients(Object.entries(gradients).map(([name, tensor]) => ({ name, tensor })));
        return;
      }
      this.#steps += 1;
      const doubled = gradients.map(({ name, tensor }) => ({ name, tensor: tensor.mul(2) }));
      super.applyGradients(doubled);
      tf.dispose(doubled);
    }
    get steps(): number {
      return this.#steps;
    }
  }
  const v = variable('subclass/v', 0);
  const optimizer = new ring.DistributedOptimizer(new Doubling(1), { op: 'sum' });
  tf.tidy(() => optimizer.applyGradients({ [v.name]: tf.tensor1d([1]) }));
  assert.deepEqual([values(v), optimizer.steps, optimizer.iterations], [[-4], 1, 1]);
  done.push('subclass');
}
{
  // The learning rate can change on the way.
  const v = variable('rate/v', 0);
  const inner = tf.train.sgd(1);
  const optimizer = new ring.DistributedOptimizer(inner);
  (optimizer as unknown as { setLearningRate(rate: number): void }).setLearningRate(0.25);
  optimizer.applyGradients([{ name: v.name, tensor: tf.tensor1d([4 * rank]) }]);
  assert.deepEqual([values(v), inner.getConfig()['learningRate']], [[-0.5], 0.25]);
  done.push('learning rate');
}
{
  // Nothing is left behind: by steps, in and outside of a tidy, by broadcastWeights, and by a step that fails.
  const [a, b] = [variable('leak/a', 1, 2), variable('leak/b', 3)];
  const optimizer = new ring.DistributedOptimizer(tf.train.adam(0.1));
  const step = () => optimizer.minimize(() => tf.sum(rank === 0 ? a.square() : b.square()), false, [a, b]);
  step();
  const before = tf.memory().numTensors;
  for (let round = 0; round < 5; round++) step();
  tf.tidy(() => void step());
  await ring.broadcastWeights([a, b]);
  assert.equal(tf.memory().numTensors, before);
  const failing = await caught(() => optimizer.minimize(() => tf.sum(a.square()), false, rank === 0 ? [a, b] : [a]));
  assert.equal(failing.code, 'RING_MISMATCH', failing.message);
  // tfjs itself drops what minimize had computed by then: the loss, and the gradient of a.
  assert.ok(tf.memory().numTensors <= before + 2, `${tf.memory().numTensors - before} tensors more`);
  done.push('leaks');
}

report({ done, mismatches: await mismatches() });
await ring.shutdown();

/** Models that differ by rank: the error of the first step, and of broadcastWeights. */
async function mismatches(): Promise<string[]> {
  const named = (base: string, other: string) => variable(rank === 0 ? base : other, 1);
  const models: [Variable[], string][] = [
    [[variable('same', 1), named('dense/kernel', 'dense_1/kernel')], 'names'],
    [[rank === 0 ? variable('shape', 1, 2) : variable('shape', 1)], 'shapes'],
    [rank === 0 ? [variable('one', 1), variable('two', 1)] : [variable('one', 1)], 'number'],
  ];
  const messages: string[] = [];
  for (const [variables, what] of models) {
    const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), { name: `step with other ${what}` });
    const gradients = variables.map((v) => ({ name: v.name, tensor: tf.onesLike(v) }));
    const step = await caught(() => optimizer.applyGradients(gradients));
    const spread = await caught(() => ring.broadcastWeights(variables));
    messages.push(`${step.code} ${step.message}`, `${spread.code} ${spread.message}`);
    tf.dispose(variables);
  }
  const options = { name: 'step with other options', ...(rank === 0 ? {} : { overlap: true }) };
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(1), options);
  const own = variable('options', 1);
  const step = await caught(() => optimizer.minimize(() => tf.sum(own), false, [own]));
  messages.push(`${step.code} ${step.message}`);
  return messages;
}
