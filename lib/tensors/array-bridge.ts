import * as tf from '@tensorflow/tfjs-core';
import type { NativeResult, NumericArray, RequestHeader } from '../native/binding.js';
import { startedBy, type Moved } from '../native/started.js';
import type { TensorBridge } from './bridge.js';

/**
 * For every backend that has no better way. On `cpu`, where a tensor is a typed array, nothing is copied either way; others copy
 * in `dataSync`, and when a result is first used.
 */
export const arrayBridge: TensorBridge = {
  runSync(session, header, tensors) {
    return toTensors(header, session.run(request(header, tensors)));
  },

  // The engine pins the arrays, so that they outlive tensors which are disposed of.
  start(session, header, tensors) {
    return startedBy(session, session.submit(request(header, tensors)), (fetch) => toTensors(header, fetch()));
  },

  own(result) {
    return tf.tensor(result.dataSync().slice(), result.shape, result.dtype);
  },
};

function request(header: RequestHeader, tensors: readonly tf.Tensor[]) {
  const shapes = tensors.map((tensor) => tensor.shape);
  return { ...header, shapes, inputs: tensors.map((tensor) => tensor.dataSync() as NumericArray) };
}

/** Tensors over the engine's memory. */
export function toTensors(header: RequestHeader, result: NativeResult): Moved<tf.Tensor> {
  const { shapes, buffers = [], splits } = result;
  const values = buffers.map((buffer, i) => {
    const shape = [...shapes[i]!];
    return tf.tensor(arrayOver(header, buffer), shape, header.dtype as tf.DataType);
  });
  return { values, splits };
}

function arrayOver({ dtype }: RequestHeader, buffer: ArrayBuffer): Float32Array | Int32Array | Uint8Array {
  if (dtype === 'float32') return new Float32Array(buffer);
  return dtype === 'int32' ? new Int32Array(buffer) : new Uint8Array(buffer);
}
