import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../tensors/tensorflow-ops.js';
import { canDefer, type Deferred, Deferrals } from './deferred.js';
import { recordings, runWithThreads, tensorflowBackend } from './operations.js';

// Layers with relu call three operations: a product (a convolution, or one of matrices), the sum with the bias, relu. Here product and sum are
// deferred, so that relu finds what it is of, and does bias and relu in one pass over a product that nobody else has seen. Backward the
// gradient of relu is deferred, so that the gradient of the bias finds it, and both come of one pass.

const deferrals = new Deferrals<'product' | 'sum' | 'reluGradient'>();
/** What relu gave with a bias in one pass. */
const withBias = new WeakSet();
/** Products that were computed twice, as they were read besides: those of the same shapes are not deferred any more. */
const readBesides = new Set<string>();

/** Has bias and relu be one pass, forward and backward, on tfjs-node; once. */
export function replaceBiasAndRelu(): void {
  replaceKernel('Conv2D', (own) => (call) => {
    const { x, filter } = call.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
    const { strides, pad, dataFormat, dilations, dimRoundingMode } = call.attrs as unknown as tf.Conv2DAttrs;
    if (dataFormat !== 'NHWC' || !suits([x, filter])) return own(call);
    const [shape, filterShape] = [x.shape, filter.shape] as [Shape4D, Shape4D];
    const { outShape } = tf.backend_util.computeConv2DInfo(
      shape,
      filterShape,
      strides,
      dilations,
      pad,
      dimRoundingMode,
    );
    return deferProduct(call, own, outShape, { x, filter }, JSON.stringify([x.shape, filter.shape, strides, pad]));
  });
  replaceKernel('BatchMatMul', (own) => (call) => {
    const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = call.attrs as unknown as tf.BatchMatMulAttrs;
    if (a.shape.length !== 2 || b.shape.length !== 2 || !suits([a, b])) return own(call);
    const shape = [a.shape[transposeA ? 1 : 0]!, b.shape[transposeB ? 0 : 1]!];
    return deferProduct(call, own, shape, { a, b }, JSON.stringify([a.shape, b.shape, transposeA, transposeB]));
  });
  replaceKernel('Add', (own) => (call) => {
    const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const product = deferrals.of(a);
    if (product?.about !== 'product' || !isBiasOf(a, b)) return own(call);
    return deferrals.defer(backendOf(call), {
      shape: a.shape,
      inputs: [a, b],
      about: 'sum',
      compute: ([left, right]) => {
        const unseen = deferrals.of(left!);
        if (unseen !== undefined) return addBias(backendOf(call), 'TsringAddBias', unseen, right!);
        return own({ ...call, inputs: { a: left!, b: right! } }) as tf.Tensor;
      },
    });
  });
  replaceKernel('Relu', (own) => (call) => {
    const sum = deferrals.of(call.inputs['x']!);
    const product = sum?.about === 'sum' ? deferrals.of(sum.inputs[0]!) : undefined;
    if (product === undefined) return own(call);
    const result = addBias(backendOf(call), 'TsringAddBiasRelu', product, sum!.inputs[1]!);
    withBias.add(result.dataId);
    return result;
  });
  replaceAddGradient();
}

/** The gradient of relu, where `output` has a bias in it; deferred until that of the bias is asked for, or until it is read. */
export function deferReluGradient(
  backend: TensorflowBackend,
  [dy, output]: readonly [tf.Tensor, tf.Tensor],
  compute: (dy: tf.Tensor, output: tf.Tensor) => tf.Tensor,
): tf.Tensor | undefined {
  if (!withBias.has(output.dataId)) return undefined;
  const deferred = deferrals.defer(backend, {
    shape: output.shape,
    inputs: [dy, output],
    about: 'reluGradient',
    compute: ([given, y]) => compute(given!, y!),
  });
  return tf.engine().makeTensorFromTensorInfo(deferred);
}

type Shape4D = [number, number, number, number];
type Call = Parameters<tf.KernelFunc>[0];

function backendOf({ backend }: Call): TensorflowBackend {
  return backend as TensorflowBackend;
}

function isBiasOf(values: tf.TensorInfo, bias: tf.TensorInfo): boolean {
  const channels = values.shape.at(-1);
  return values.shape.length > 1 && bias.shape.length === 1 && bias.shape[0] === channels && bias.dtype === 'float32';
}

let told = false;

/** While a tape records, on the CPU, for float32. */
function suits(inputs: readonly tf.TensorInfo[]): boolean {
  if (recordings() !== 1 || inputs.some(({ dtype }) => dtype !== 'float32')) return false;
  const backend = tensorflowBackend();
  if (backend === undefined || backend.isUsingGpuDevice === true) return false;
  if (canDefer(backend, inputs[0]!)) return true;
  if (!told) console.warn('tsring: bias and relu stay two operations, as this tfjs-node keeps its tensors otherwise');
  told = true;
  return false;
}

function deferProduct(
  call: Call,
  own: tf.KernelFunc,
  shape: readonly number[],
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  signature: string,
): tf.TensorInfo | tf.TensorInfo[] {
  if (readBesides.has(signature)) return own(call);
  const names = Object.keys(inputs);
  let times = 0;
  return deferrals.defer(backendOf(call), {
    shape,
    inputs: Object.values(inputs),
    about: 'product',
    compute(held) {
      if (++times > 1) readBesides.add(signature);
      return own({ ...call, inputs: Object.fromEntries(names.map((name, i) => [name, held[i]!])) }) as tf.Tensor;
    },
  });
}

function addBias(
  backend: TensorflowBackend,
  name: 'TsringAddBias' | 'TsringAddBiasRelu',
  product: Deferred<unknown>,
  bias: tf.Tensor,
): tf.Tensor {
  const values = product.compute();
  const [result] = runWithThreads(backend, name, [bias, values], 1);
  values.dispose(); // the result has its memory
  return result!;
}

/** Sums keep a tensor's gradient as it is, and a bias takes the sum over all rows: here often with relu's gradient. */
function replaceAddGradient(): void {
  const own = tf.getGradient('Add');
  if (replaced.has(own)) return;
  const config: tf.GradConfig = {
    ...own,
    gradFunc(dy, saved, attributes) {
      const gradient = dy as tf.Tensor;
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      const backend = tensorflowBackend();
      if (backend === undefined || gradient.dtype !== 'float32' || !isBiasOf(a, b) || recordings() > 0)
        return own.gradFunc(dy, saved, attributes);
      return { a: () => gradient.clone(), b: () => biasGradient(backend, gradient) };
    },
  };
  tf.unregisterGradient('Add');
  tf.registerGradient(config);
  replaced.add(config);
}

function biasGradient(backend: TensorflowBackend, dy: tf.Tensor): tf.Tensor {
  const deferred = deferrals.of(dy);
  if (deferred?.about !== 'reluGradient')
    return tf.sum(
      dy,
      dy.shape.slice(0, -1).map((_, i) => i),
    );
  const [gradient, sums] = runWithThreads(backend, 'TsringBiasReluGradient', deferred.inputs, 2);
  deferred.settle(gradient!);
  return sums!;
}

function replaceKernel(kernelName: string, replacement: (own: tf.KernelFunc) => tf.KernelFunc): void {
  const own = tf.getKernel(kernelName, 'tensorflow') as tf.KernelConfig | undefined;
  if (own === undefined || replaced.has(own)) return;
  const config = { ...own, kernelFunc: replacement(own.kernelFunc) };
  tf.unregisterKernel(kernelName, 'tensorflow'); // or tfjs warns that there is one
  tf.registerKernel(config);
  replaced.add(config);
}

const replaced = new WeakSet();
