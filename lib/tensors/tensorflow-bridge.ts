import * as tf from '@tensorflow/tfjs-core';
import type { NativeResult, NativeSession, RequestHeader } from '../native/binding.js';
import { loadAddon } from '../native/load.js';
import { startedBy, type Moved } from '../native/started.js';
import type { TensorBridge } from './bridge.js';
import { goOnGpu } from './gpu-tensors.js';
import { execute, type TensorflowBackend } from './tensorflow-ops.js';

/**
 * By operations of our own inside TensorFlow: the engine reads the tensors where TensorFlow has them, and TensorFlow takes the
 * results where the engine has them. Tensors on a GPU stay there where all ranks can do so; otherwise TensorFlow brings them to main memory.
 */
export const tensorflowBridge: TensorBridge = {
  runSync(session, header, tensors) {
    const started = start(session, header, tensors);
    // The operation that fetches results knows of tensors alone.
    if (header.kind === 'alltoall') return finish(started, () => session.wait(started.ticket));
    return finish(started);
  },

  start(session, header, tensors) {
    const started = start(session, header, tensors);
    return startedBy(session, started.ticket, (fetch) => finish(started, fetch));
  },

  reduceAndUpdate(ticket, vectors, tensors, outputs) {
    const call = {
      op: 'TsringReduceAndUpdate',
      handle: ticket,
      inputs: [...vectors, ...tensors],
      outputs: outputs + 1,
    };
    const results = execute({ ...call, count: tensors.length, results: outputs });
    const [seconds] = results.splice(outputs) as [tf.Tensor];
    const [updateSeconds] = seconds.dataSync();
    seconds.dispose();
    return { values: results, updateSeconds: updateSeconds! };
  },

  own(result) {
    const backend = tf.backend() as object as TensorflowBackend;
    if (backend.isUsingGpuDevice === true) return result.clone(); // TensorFlow has copied it to its GPU
    const T = { name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.getDTypeInteger(result.dtype) };
    return backend.executeSingleOutput('DeepCopy', [T], [result]);
  },
};

let registered: boolean | undefined;

/** Registers the operations, once. False, after saying so once, where this TensorFlow does not take them. */
export function tensorflowOps(backend: object): backend is TensorflowBackend {
  if (registered === undefined) {
    const suitable = typeof (backend as Partial<TensorflowBackend>).executeMultipleOutputs === 'function';
    const refusal = suitable ? loadAddon().registerTensorflowOps() : 'its tfjs-node cannot run them';
    registered = refusal === '';
    if (!registered)
      console.warn(`tsring: tensors are copied to and from TensorFlow, as it does not take our operations: ${refusal}`);
  }
  return registered;
}

/** What a finish needs of its start. */
interface Started {
  readonly ticket: number;
  readonly count: number;
  readonly onGpu: boolean;
  readonly dtype: string;
}

function start(session: NativeSession, header: RequestHeader, tensors: readonly tf.Tensor[]): Started {
  const onGpu = goOnGpu(session, header, tensors);
  const ticket = session.prepare(onGpu ? { ...header, memory: 'cuda-or-host' } : header);
  const started = { ticket, count: tensors.length, onGpu, dtype: header.dtype };
  tf.dispose(call('TsringStart', started, tensors, 1));
  return started;
}

/** Whatever became of the operation, this lets the inputs go, and throws the failure if there is one. */
function finish(started: Started, fetch?: () => NativeResult): Moved<tf.Tensor> {
  const splits = splitsOf(fetch);
  return { values: call('TsringFinish', started, [], started.count), splits };
}

function splitsOf(fetch: (() => NativeResult) | undefined): readonly number[] | undefined {
  try {
    return fetch?.().splits;
  } catch {
    return undefined;
  }
}

/** Those on a GPU have a name of their own, and are for float32 alone. */
function call(op: string, started: Started, inputs: readonly tf.Tensor[], outputs: number): tf.Tensor[] {
  const { ticket: handle, count, onGpu, dtype } = started;
  return execute(
    onGpu ? { op: `${op}OnGpu`, handle, inputs, outputs, count } : { op, handle, inputs, outputs, count, dtype },
  );
}
