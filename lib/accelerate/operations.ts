import * as tf from '@tensorflow/tfjs-core';
import { availableParallelism } from 'node:os';
import { tensorflowOps } from '../tensors/tensorflow-bridge.js';
import type { TensorflowBackend } from '../tensors/tensorflow-ops.js';

/** tfjs-node's backend, if tfjs uses it now and it takes operations of ours. */
export function tensorflowBackend(): TensorflowBackend | undefined {
  if (tf.getBackend() !== 'tensorflow') return undefined;
  const backend = tf.backend();
  return tensorflowOps(backend) ? backend : undefined;
}

/** How many threads one operation may use: as many as TensorFlow's own. */
export function threads(): number {
  const asked = Number(process.env['TF_NUM_INTRAOP_THREADS'] ?? 0);
  return Number.isInteger(asked) && asked > 0 ? asked : availableParallelism();
}

/** Runs an operation of native/tensorflow/update_kernel.h or pool_kernels.h. The innermost `tidy` owns the results. */
export function runOperation(
  backend: TensorflowBackend,
  name: 'TsringUpdate' | 'TsringMaxPoolGradient',
  vectors: readonly tf.Tensor[],
  tensors: readonly tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const attributes = [
    { name: 'N', type: backend.binding.TF_ATTR_INT, value: tensors.length },
    { name: 'M', type: backend.binding.TF_ATTR_INT, value: outputs },
  ];
  return backend.executeMultipleOutputs(name, attributes, [...vectors, ...tensors], outputs);
}

/** Runs an operation of native/tensorflow/bias_kernels.h. The innermost `tidy` owns the results. */
export function runWithThreads(
  backend: TensorflowBackend,
  name: 'TsringAddBias' | 'TsringAddBiasRelu' | 'TsringBiasReluGradient',
  tensors: readonly tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const attributes = [{ name: 'threads', type: backend.binding.TF_ATTR_INT, value: threads() }];
  return backend.executeMultipleOutputs(name, attributes, [...tensors], outputs);
}

/**
 * How many gradients' forward passes are under way: one where operations are recorded for a gradient, none when it is computed of them. More
 * are gradients of gradients, for which operations are needed that have gradients themselves.
 */
export function recordings(): number {
  return tf.engine().state.gradientDepth;
}
