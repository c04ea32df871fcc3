/** What tfjs computes, before and after `accelerate`, in one process: each difference as a share of the largest value. */
import type * as tfjs from '@tensorflow/tfjs';
import { accelerate } from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { report } from './report.js';

const tf = await openBackend('tensorflow');

const optimizers: Record<string, () => tfjs.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.05, 0.9),
  nesterov: () => tf.train.momentum(0.05, 0.9, true),
  adam: () => tf.train.adam(0.01),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-3),
  'centered rmsprop': () => tf.train.rmsprop(0.01, 0.9, 0.5, -1e-3, true),
};
const pools = [
  { shape: [2, 7, 9, 3], filter: 3, strides: 2, pad: 'same' },
  { shape: [1, 8, 8, 130], filter: 2, strides: 2, pad: 'valid' },
  { shape: [3, 6, 5, 17], filter: [2, 3], strides: [1, 2], pad: 'same' },
  { shape: [1, 5, 5, 4], filter: 3, strides: 1, pad: 'valid' },
] as const;

const own = await results();
const ownLeft = await leftBehind();
const on = accelerate();
const twice = accelerate();
const accelerated = await results();
const differences = Object.fromEntries(
  Object.entries(own).map(([name, values]) => [name, difference(values, accelerated[name]!)]),
);
const left = (await leftBehind()) - ownLeft; // tfjs's optimizers leave some themselves
await tf.setBackend('cpu');
const elsewhere = tf.tidy(() => Array.from(poolGradient(pools[0]).dataSync()));
report({
  on,
  twice,
  differences,
  left,
  elsewhere: difference(own['pool 0']!, elsewhere),
});

async function leftBehind(): Promise<number> {
  const before = tf.memory().numTensors;
  await results();
  return tf.memory().numTensors - before;
}

async function results(): Promise<Record<string, number[]>> {
  const all: Record<string, number[]> = {};
  pools.forEach((pool, i) => (all[`pool ${i}`] = tf.tidy(() => Array.from(poolGradient(pool).dataSync()))));
  all['relu'] = tf.tidy(() => {
    const x = tf.tensor1d([-2, -0, 0, 1e-30, 3]);
    return Array.from(
      tf
        .grad((y: tfjs.Tensor) => y.relu().mul(tf.range(1, 6)).sum())(x)
        .dataSync(),
    );
  });
  for (const name of Object.keys(optimizers)) {
    const { weights, state } = await train(optimizers[name]!());
    all[name] = weights;
    all[`${name}, state`] = state;
  }
  return all;
}

function poolGradient({ shape, filter, strides, pad }: (typeof pools)[number]): tfjs.Tensor {
  const few = tf.randomUniform([...shape], 0, 5, 'int32', 7).toFloat(); // many are equal
  const f = (x: tfjs.Tensor) => {
    const y = tf.maxPool(x as tfjs.Tensor4D, filter as number, strides as number, pad);
    return y.mul(tf.range(1, y.size + 1).reshape(y.shape)).sum();
  };
  return tf.grad(f)(few);
}

async function train(optimizer: tfjs.Optimizer): Promise<{ weights: number[]; state: number[] }> {
  const x = tf.randomNormal([16, 4], 0, 1, 'float32', 3);
  const names = ['kernel', 'bias', 'unused'];
  const variables = [
    tf.variable(tf.randomNormal([4, 3], 0, 1, 'float32', 5), true, 'kernel'),
    tf.variable(tf.zeros([3]), true, 'bias'),
    tf.variable(tf.ones([2]), true, 'unused'),
  ];
  const [kernel, bias] = variables as unknown as [tfjs.Tensor2D, tfjs.Tensor1D];
  for (let step = 0; step < 6; step++)
    optimizer.minimize(() => (x as tfjs.Tensor2D).matMul(kernel).add(bias).relu().sub(1).square().mean(), false, [
      ...variables.slice(0, 2),
    ] as tfjs.Variable[]);
  const state = await optimizer.getWeights();
  const result = {
    weights: names.flatMap((_, i) => Array.from(variables[i]!.dataSync())),
    state: state.flatMap(({ tensor }) => Array.from(tensor.dataSync())),
  };
  tf.dispose([x, variables, state.map(({ tensor }) => tensor)]);
  optimizer.dispose();
  return result;
}

function difference(expected: readonly number[], actual: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  if (expected.length !== actual.length || !expected.every(Number.isFinite)) return Infinity;
  return Math.max(0, ...expected.map((value, i) => Math.abs(value - actual[i]!))) / (scale || 1);
}
