// Ranks train a small net with the optimizer's state whole and spread, by every optimizer of tfjs, and compare weights, state and what is
// kept. Argument: backend.
import assert from 'node:assert/strict';
import type { LayersModel, NamedTensorMap, Optimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const tf = await openBackend(process.argv[2] ?? 'cpu');
await ring.init();
const done: string[] = [];
const numbers = (tensor: Tensor) => Array.from(tensor.dataSync());
const variables = (model: LayersModel) => model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];

/** A bias of one element has fewer of them than there are ranks. */
function build(): LayersModel {
  const glorot = (seed: number) => tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [3], units: 5, activation: 'tanh', kernelInitializer: glorot(1) }),
      tf.layers.dense({ units: 1, kernelInitializer: glorot(2) }),
    ],
  });
}
const inputs = (step: number) => tf.sin(tf.range(0, 12).mul(step + 1 + 10 * ring.rank())).reshape([4, 3]);
const lossOf = (model: LayersModel, step: number) => (): Scalar => {
  const x = inputs(step);
  return tf.losses.meanSquaredError(tf.prod(x, 1, true), model.apply(x) as Tensor);
};
function train(model: LayersModel, optimizer: Optimizer, from: number, to: number): void {
  for (let step = from; step < to; step++)
    tf.tidy(() => void optimizer.minimize(lossOf(model, step), false, variables(model)));
}
/** Sums of gradients may be taken in another order; errors of small gradients grow where they are divided by the root of a small mean square. */
function assertClose(actual: Tensor[], expected: Tensor[], tolerance: number, what: string): void {
  assert.deepEqual(actual.map(({ shape }) => shape), expected.map(({ shape }) => shape), what); // prettier-ignore
  const wanted = expected.map(numbers);
  const largest = Math.max(
    ...actual.flatMap((tensor, t) => numbers(tensor).map((x, i) => Math.abs(x - wanted[t]![i]!))),
  );
  assert.ok(largest <= tolerance, `${what}: differs by ${largest}`);
}

const makers: Record<string, [make: () => Optimizer, tolerance: number]> = {
  sgd: [() => tf.train.sgd(0.1), 2e-6],
  momentum: [() => tf.train.momentum(0.05, 0.9, true), 2e-6],
  rmsprop: [() => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7, true), 1e-4],
  adagrad: [() => tf.train.adagrad(0.05), 1e-5],
  adadelta: [() => tf.train.adadelta(0.5), 1e-5],
  adamax: [() => tf.train.adamax(0.01), 1e-4],
  adam: [() => tf.train.adam(0.01), 1e-4],
};
// On wasm, one: what differs between them are tfjs's own operations.
for (const [kind, [make, tolerance]] of Object.entries(makers).slice(tf.getBackend() === 'wasm' ? -1 : 0)) {
  const [whole, sharded] = [build(), build()];
  const options = { overlap: true, clipNorm: 0.5, firstBucketBytes: 16, bucketBytes: 40 };
  const [plain, spread] = [
    new ring.DistributedOptimizer(make(), options),
    new ring.DistributedOptimizer(make(), { ...options, shardOptimizerState: true }),
  ];
  train(whole, plain, 0, 2);
  train(sharded, spread, 0, 2);
  const tensors = tf.memory().numTensors;
  train(sharded, spread, 2, 6);
  assert.equal(tf.memory().numTensors, tensors, `${kind}: a step leaves nothing behind`);
  train(whole, plain, 2, 6);
  assertClose(sharded.getWeights(), whole.getWeights(), tolerance, kind);
  const together = await ring.allgather(tf.concat(sharded.getWeights().map((weight) => weight.flatten())));
  tf.split(together, ring.size()).forEach((one) =>
    assert.deepEqual(numbers(one), numbers(tf.split(together, ring.size())[0]!)),
  );

  // The whole state comes to one rank for a checkpoint; others have but their part, which is an error to save.
  const root = ring.size() - 1;
  if (kind === 'adamax' || kind === 'sgd') continue; // tfjs cannot give the one, and the other has none
  assert.match((await caught(() => spread.getWeights())).message, /state is spread over \d ranks; .*consolidateState/);
  await spread.consolidateState(root);
  if (ring.rank() !== root) assert.match((await caught(() => spread.getWeights())).message, /consolidateState/);
  else {
    const [state, expected] = [await spread.getWeights(), await plain.getWeights()];
    assert.deepEqual(state.map(({ name }) => name.split('/').at(-1)), expected.map(({ name }) => name.split('/').at(-1))); // prettier-ignore
    assert.ok(
      state.every(({ name }) => !name.includes('of this rank')),
      String(state.map(({ name }) => name)),
    );
    assertClose(state.map(({ tensor }) => tensor), expected.map(({ tensor }) => tensor), tolerance, `${kind}: state`); // prettier-ignore
  }

  // It goes to an optimizer that has not stepped, on all ranks, and training goes on from there as if nothing had been.
  const next = new ring.DistributedOptimizer(make(), { ...options, shardOptimizerState: true });
  if (ring.rank() === root) await next.setWeights(await spread.getWeights());
  await ring.broadcastOptimizerState(next, root);
  const copy = build();
  copy.setWeights(sharded.getWeights());
  train(copy, next, 6, 8);
  train(sharded, spread, 6, 8);
  assertClose(copy.getWeights(), sharded.getWeights(), 1e-7, `${kind}: from a checkpoint`);
}
done.push('as unsharded');

{
  // What is kept: moments of this rank's elements alone.
  const v = tf.variable(tf.zeros([1000]), true, 'kept/v');
  const bytesOf = (optimizer: Optimizer) => {
    const before = tf.memory().numBytes;
    tf.tidy(() => void optimizer.minimize(() => tf.sum<Scalar>(tf.square(v.sub(1))), false, [v]));
    return tf.memory().numBytes - before;
  };
  assert.equal(bytesOf(new ring.DistributedOptimizer(tf.train.adam(0.1))), 8000);
  const share = Math.floor(1000 / ring.size()) + (ring.rank() < 1000 % ring.size() ? 1 : 0);
  assert.equal(bytesOf(new ring.DistributedOptimizer(tf.train.adam(0.1), { shardOptimizerState: true })), 8 * share);
  done.push('less is kept');
}
{
  // A variable of each rank, one that is not trained, passes that are added up, and fit.
  const [a, own, fixed] = [0, 1, 2].map((index) => tf.variable(tf.zeros([3]), index < 2, `mixed/${index}`)) as [
    Variable,
    Variable,
    Variable,
  ];
  const options = { localVariables: [own], backwardPassesPerStep: 2, shardOptimizerState: true };
  const optimizer = new ring.DistributedOptimizer(tf.train.momentum(1, 0.5), options);
  const loss = () => tf.sum<Scalar>(tf.addN([a.mul(ring.rank()), own.mul(ring.size() * (ring.rank() + 1)), fixed]));
  for (let pass = 0; pass < 4; pass++) optimizer.minimize(loss, false, [a, own, fixed]);
  const mean = (ring.size() - 1) / 2;
  assert.deepEqual(numbers(a), Array(3).fill(Math.fround(-2.5 * mean)));
  assert.deepEqual(numbers(own), Array(3).fill(-2.5 * (ring.rank() + 1)));
  assert.deepEqual(numbers(fixed), [0, 0, 0]);
  const whole: NamedTensorMap = { [a.name]: tf.ones([3]) };
  for (const step of [
    () => optimizer.synchronize(whole as never),
    () => optimizer.skipSynchronize(() => optimizer.applyGradients(whole as never)),
  ])
    assert.match((await caught(step)).message, /go by whole gradients/);
  done.push('beside other options');
}
report(done);
await ring.shutdown();
