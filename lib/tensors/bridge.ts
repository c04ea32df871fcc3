import * as tf from '@tensorflow/tfjs-core';
import type { NativeSession, RequestHeader } from '../native/binding.js';
import type { Moved, Started } from '../native/started.js';
import { arrayBridge } from './array-bridge.js';
import { tensorflowBridge, tensorflowOps } from './tensorflow-bridge.js';
import { isWasmBackend, wasmBridge } from './wasm-bridge.js';

/** How tensors of one tfjs backend reach the engine, and its results become tensors of that backend. */
export interface TensorBridge {
  /**
   * Runs one operation on a group of tensors and blocks this thread until it is done.
   *
   * @param tensors - one or more, all of dtype `header.dtype`; they are only read, may share memory, and stay the caller's
   * @returns new tensors, one a tensor, as an operation of tfjs gives them: the innermost `tidy` owns them
   * @throws {RingError} what the engine reports; no tensor is left behind
   */
  runSync(session: NativeSession, header: RequestHeader, tensors: readonly tf.Tensor[]): Moved<tf.Tensor>;

  /**
   * Carries out an allreduce of gradients that has been opened, and makes an optimizer's step by them meanwhile, on this thread; where the
   * backend has such an operation (native/tensorflow/reduce_and_update.h).
   *
   * @param vectors - which update, and its factors
   * @param tensors - variables, their gradients, their slots
   * @returns `values`: as many as `outputs`, the innermost `tidy` owns them; `updateSeconds`: what of the time went into the step
   * @throws {RingError} as the allreduce
   */
  reduceAndUpdate?(
    ticket: number,
    vectors: readonly tf.Tensor[],
    tensors: readonly tf.Tensor[],
    outputs: number,
  ): { values: tf.Tensor[]; updateSeconds: number };

  /** As `runSync`, without blocking. The tensors are handed over before this returns, and may be disposed of from then on. */
  start(session: NativeSession, header: RequestHeader, tensors: readonly tf.Tensor[]): Started<Moved<tf.Tensor>>;

  /**
   * For results that stay for long: they may lie in memory of the engine's, which then takes as much anew for the next ones.
   *
   * @returns a new tensor with the same values, in memory of the backend's own
   */
  own(result: tf.Tensor): tf.Tensor;
}

/** The bridge of the backend that tfjs uses now. */
export function bridge(): TensorBridge {
  const backend = tf.backend();
  if (tf.getBackend() === 'tensorflow') return tensorflowOps(backend) ? tensorflowBridge : arrayBridge;
  return isWasmBackend(backend) ? wasmBridge : arrayBridge;
}
