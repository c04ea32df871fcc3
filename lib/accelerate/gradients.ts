import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../tensors/tensorflow-ops.js';
import { deferReluGradient } from './bias-relu.js';
import { recordings, runOperation, tensorflowBackend, threads } from './operations.js';

type Gradient = (backend: TensorflowBackend, dy: tf.Tensor, saved: tf.Tensor[], attributes: object) => tf.Tensor;

/** What a kernel has in place of tfjs's gradient; tfjs's stays for other backends and types. */
interface Replacement {
  readonly kernelName: string;
  /** What tfjs keeps from the forward pass: [x, y] or y alone. */
  readonly keepsInput: boolean;
  readonly gradient: Gradient;
}

/** The gradient of relu as one operation, of what relu gave: tfjs keeps what it took as well, and composes six. */
const relu: Replacement = {
  kernelName: 'Relu',
  keepsInput: false,
  gradient(backend, dy, [y]) {
    const compute = (given: tf.Tensor, output: tf.Tensor) =>
      backend.executeSingleOutput(
        'ReluGrad',
        [{ name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.getDTypeInteger('float32') }],
        [given, output],
      );
    return deferReluGradient(backend, [dy, y!], compute) ?? compute(dy, y!);
  },
};

interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The gradient of max pooling by comparing a window with its maximum, many channels at a time; TensorFlow's searches it anew. */
const maxPool: Replacement = {
  kernelName: 'MaxPool',
  keepsInput: true,
  gradient(backend, dy, [x, y], attributes) {
    const { filterSize, strides, pad, dimRoundingMode } = attributes as PoolAttributes;
    const shape = x!.shape as [number, number, number, number];
    const pooling = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
    const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = pooling;
    const window = [filterHeight, filterWidth, strideHeight, strideWidth, padInfo.top, padInfo.left, threads()];
    return tf.tidy(
      () => runOperation(backend, 'TsringMaxPoolGradient', [tf.tensor1d(window, 'int32')], [x!, y!, dy], 1)[0]!,
    );
  },
};

export const replacements = { relu, maxPool } as const;

/** Registers a gradient with tfjs, once. */
export function replaceGradient({ kernelName, keepsInput, gradient }: Replacement): void {
  const own = tf.getGradient(kernelName);
  if (replaced.has(own)) return;
  const config: tf.GradConfig = {
    kernelName,
    inputsToSave: keepsInput ? ['x'] : [],
    outputsToSave: [true],
    gradFunc(dy, saved, attributes) {
      const gradientOf = dy as tf.Tensor;
      const backend = tensorflowBackend();
      if (backend !== undefined && recordings() === 0 && saved.every(({ dtype }) => dtype === 'float32'))
        return { x: () => gradient(backend, gradientOf, saved, attributes) };
      // tfjs's own gradient of relu is of what it took, but the same of what it gave.
      return own.gradFunc(dy, saved, attributes);
    },
  };
  tf.unregisterGradient(kernelName); // or tfjs warns that there is one
  tf.registerGradient(config);
  replaced.add(config);
}

const replaced = new WeakSet<tf.GradConfig>();
