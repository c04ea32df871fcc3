/** What tfjs computes, before and after `accelerate`, in one process: each difference as a share of the largest value. */
import type * as tfjs from '@tensorflow/tfjs';
import { accelerate } from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { operationsRan } from '../helpers/operations-ran.js';
import { acceleratedOptimizers } from './optimizers.js';
import { report } from './report.js';

const tf = await openBackend('tensorflow');

const optimizers = acceleratedOptimizers(tf);
const pools = [
  { shape: [2, 7, 9, 3], filter: 3, strides: 2, pad: 'same' },
  { shape: [1, 8, 8, 130], filter: 2, strides: 2, pad: 'valid' },
  { shape: [3, 6, 5, 17], filter: [2, 3], strides: [1, 2], pad: 'same' },
  { shape: [1, 5, 5, 4], filter: 3, strides: 1, pad: 'valid' },
] as const;

/** Layers of an image network, and losses that look at more than the last of them. Each gives a sum of what it computes. */
const layers: Record<string, (image: tfjs.Tensor4D, kernel: tfjs.Tensor4D, bias: tfjs.Tensor1D) => tfjs.Tensor> = {
  'conv, bias, relu': (x, w, b) => x.conv2d(w, 1, 'same').add(b).relu(),
  'conv with a stride, bias, relu': (x, w, b) => x.conv2d(w, 2, 'valid').add(b).relu(),
  'conv, bias, sigmoid': (x, w, b) => x.conv2d(w, 1, 'same').add(b).sigmoid(),
  'conv, relu': (x, w) => x.conv2d(w, 1, 'same').relu(),
  'conv alone': (x, w) => x.conv2d(w, 1, 'same'),
  'two layers': (x, w, b) => x.conv2d(w, 1, 'same').add(b).relu().tile([1, 1, 1, 1]).conv2d(w, 1, 'same').add(b).relu(),
  'all steps of one layer': (x, w, b) => {
    const product = x.conv2d(w, 1, 'same');
    const sum = product.add(b);
    return tf.addN([sum.relu(), sum.square(), product.sigmoid(), product.add(b).relu()]);
  },
  'a bias used twice': (x, w, b) => x.conv2d(w, 1, 'same').add(b).relu().add(b).relu(),
  'a bias for each place': (x, w, b) =>
    x
      .conv2d(w, 1, 'same')
      .add(b.reshape([1, 1, 1, 8]).tile([1, 1, 9, 1]))
      .relu(),
  'products of matrices': (x, w, b) => {
    const [image, square] = [x.reshape<tfjs.Tensor2D>([8, -1]), squareOf(w)];
    const first = image.matMul(square, true, false).add(b).relu<tfjs.Tensor2D>();
    return first.matMul(square, false, true).add(b).relu();
  },
  'layers of tfjs': (x, w, b) => {
    const both = tf.fused.conv2d({ x, filter: w, strides: 1, pad: 'same', bias: b, activation: 'relu' });
    return tf.fused.matMul({ a: both.reshape([-1, 8]), b: squareOf(w), bias: b, activation: 'relu' });
  },
};

const ran = operationsRan(tf);

let clonesStay = true;
const own = await results();
const ownLeft = await leftBehind();
const on = accelerate();
const twice = accelerate();
const accelerated = await results();
const layersRan = [...ran].sort();
const differences = Object.fromEntries(
  Object.entries(own).map(([name, values]) => [name, difference(values, accelerated[name]!)]),
);
const left = (await leftBehind()) - ownLeft; // tfjs's optimizers leave some themselves
await tf.setBackend('cpu');
const elsewhere = tf.tidy(() => Array.from(poolGradient(pools[0]).dataSync()));
report({
  on,
  twice,
  ran: layersRan,
  differences,
  left,
  clonesStay,
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
  for (const [name, layer] of Object.entries(layers)) Object.assign(all, layerGradients(name, layer));
  all['second derivative'] = tf.tidy(() => {
    const cubes = (x: tfjs.Tensor) => x.relu().mul(x).mul(x).sum();
    const slope = (x: tfjs.Tensor) => tf.grad(cubes)(x).sum();
    return Array.from(
      tf
        .grad(slope)(tf.tensor1d([-1, 0.5, 2]))
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

/** By the image, the kernel and the bias; the largest has work for several threads. */
function layerGradients(name: string, layer: (typeof layers)[string]): Record<string, number[]> {
  return tf.tidy(() => {
    const image = tf.randomNormal([name === 'conv, bias, relu' ? 900 : 2, 9, 9, 8], 0, 1, 'float32', 11);
    const kernel = tf.randomNormal([3, 3, 8, 8], 0, 0.1, 'float32', 12);
    const bias = tf.randomNormal([8], 0, 1, 'float32', 13);
    const loss = (...inputs: tfjs.Tensor[]) => {
      const y = layer(...(inputs as [tfjs.Tensor4D, tfjs.Tensor4D, tfjs.Tensor1D]));
      return y
        .mul(tf.randomUniform(y.shape, 0, 1, 'float32', 14))
        .sum()
        .add(inputs[2]!.sum()); // not all have a bias
    };
    const { value, grads } = tf.valueAndGrads(loss)([image, kernel, bias]);
    const [ofImage, ofKernel, ofBias] = grads;
    return Object.fromEntries(
      Object.entries({ value, ofImage, ofKernel, ofBias }).map(([which, tensor]) => [
        `${name}: ${which}`,
        Array.from(tensor!.dataSync()),
      ]),
    );
  });
}

function squareOf(kernel: tfjs.Tensor4D): tfjs.Tensor2D {
  return kernel.reshape([-1, 8]).slice([0, 0], [8, 8]) as tfjs.Tensor2D;
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
  const step = () => {
    const trained = variables.slice(0, 2);
    optimizer.minimize(
      () => (x as tfjs.Tensor2D).matMul(kernel).add(bias).relu().sub(1).square().mean(),
      false,
      trained,
    );
  };
  for (let i = 0; i < 6; i++) step();
  clonesStay &&= await stateStaysForOthers(optimizer, step);
  step();
  const state = await optimizer.getWeights();
  const result = {
    weights: names.flatMap((_, i) => Array.from(variables[i]!.dataSync())),
    state: state.flatMap(({ tensor }) => Array.from(tensor.dataSync())),
  };
  tf.dispose([x, variables, state.map(({ tensor }) => tensor)]);
  optimizer.dispose();
  return result;
}

/** State is changed where it lies, but not where somebody has another tensor with the same data. */
async function stateStaysForOthers(optimizer: tfjs.Optimizer, step: () => void): Promise<boolean> {
  const state = (await optimizer.getWeights()).map(({ tensor }) => tensor);
  const clones = state.map((tensor) => tensor.clone());
  const before = clones.map((clone) => clone.dataSync());
  step();
  const stay = clones.every((clone, i) => clone.dataSync().every((value, k) => value === before[i]![k]));
  tf.dispose([clones, state.filter((tensor) => !(tensor instanceof tf.Variable))]);
  return stay;
}

function difference(expected: readonly number[], actual: readonly number[]): number {
  if (expected.length !== actual.length || !expected.every(Number.isFinite)) return Infinity;
  const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest(expected.map((value, i) => value - actual[i]!)) / (largest(expected) || 1);
}
