import * as tf from '@tensorflow/tfjs-core';
import type { DType, NumericArray, RequestHeader } from '../native/binding.js';
import { arrayBridge, toTensors } from './array-bridge.js';
import type { TensorBridge } from './bridge.js';

/** What we use of tfjs-backend-wasm: its tensors are runs of one heap. */
interface WasmBackend {
  /** A view of the heap; good until anything is allocated, since a heap that grows moves. */
  typedArrayFromHeap(tensor: tf.TensorInfo): NumericArray;
  makeOutput(shape: number[], dtype: DType): tf.TensorInfo;
}

export function isWasmBackend(backend: object): backend is WasmBackend {
  const { typedArrayFromHeap, makeOutput } = backend as Partial<WasmBackend>;
  return tf.getBackend() === 'wasm' && typeof typedArrayFromHeap === 'function' && typeof makeOutput === 'function';
}

/**
 * The blocking form has the engine read from and write to the heap. While a promise is pending JavaScript runs on, and the heap may
 * grow: so that form, and `start`, copy in and out.
 */
export const wasmBridge: TensorBridge = {
  runSync(session, header, tensors) {
    // Only the engine learns how large the results of the others are.
    if (!['allreduce', 'broadcast'].includes(header.kind))
      return toTensors(header, session.run(viewing(header, tensors)));
    const values = intoOutputs(header, tensors, (outputs) => {
      session.run({ ...viewing(header, tensors), outputs });
    });
    return { values };
  },

  start: (session, header, tensors) => arrayBridge.start(session, header, tensors),

  own: (result) => result.clone(), // all of them lie in the heap
};

function viewing(header: RequestHeader, tensors: readonly tf.Tensor[]) {
  return { ...header, shapes: tensors.map((tensor) => tensor.shape), inputs: views(tensors) };
}

/** Allocates first and looks at the heap afterwards. */
function intoOutputs(
  { dtype }: RequestHeader,
  tensors: readonly tf.Tensor[],
  fill: (outputs: NumericArray[]) => void,
): tf.Tensor[] {
  const backend = wasmBackend();
  const outputs = tensors.map(({ shape }) => tf.engine().makeTensorFromTensorInfo(backend.makeOutput(shape, dtype)));
  try {
    fill(views(outputs));
    return outputs;
  } catch (error) {
    tf.dispose(outputs);
    throw error;
  }
}

function views(tensors: readonly tf.Tensor[]): NumericArray[] {
  const backend = wasmBackend();
  return tensors.map((tensor) => backend.typedArrayFromHeap(tensor));
}

function wasmBackend(): WasmBackend {
  return tf.backend() as object as WasmBackend;
}
