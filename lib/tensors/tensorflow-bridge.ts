import * as tf from '@tensorflow/tfjs-core';
import { RingError, ringErrorCodes } from '../errors.js';
import type { NativeResult, NativeSession, RequestHeader } from '../native/binding.js';
import { loadAddon } from '../native/load.js';
import { startedBy, type Moved } from '../native/started.js';
import type { TensorBridge } from './bridge.js';

/** What we use of tfjs-node. */
export interface TensorflowBackend {
  /** TensorFlow has a GPU, and computes there. */
  readonly isUsingGpuDevice?: boolean;
  readonly binding: { readonly TF_ATTR_INT: number; readonly TF_ATTR_TYPE: number };
  getDTypeInteger(dtype: string): number;
  /** Run a TensorFlow operation on this thread. Results are tracked as those of tfjs's own operations. */
  executeSingleOutput(op: string, attributes: object[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(op: string, attributes: object[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
}

/**
 * By operations of our own inside TensorFlow: the engine reads the tensors where TensorFlow has them, and TensorFlow takes the
 * results where the engine has them.
 */
export const tensorflowBridge: TensorBridge = {
  runSync(session, header, tensors) {
    const ticket = start(session, header, tensors);
    // The operation that fetches results knows of tensors alone.
    if (header.kind === 'alltoall') return finish(ticket, header, 1, () => session.wait(ticket));
    return finish(ticket, header, tensors.length);
  },

  start(session, header, tensors) {
    const ticket = start(session, header, tensors);
    return startedBy(session, ticket, (fetch) => finish(ticket, header, tensors.length, fetch));
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
    else if ((backend as TensorflowBackend).isUsingGpuDevice === true)
      console.warn('tsring: TensorFlow computes on a GPU; its tensors go to the other ranks through main memory');
  }
  return registered;
}

function start(session: NativeSession, header: RequestHeader, tensors: readonly tf.Tensor[]): number {
  const ticket = session.prepare(header);
  tf.dispose(execute('TsringStart', ticket, header, tensors.length, tensors, 1));
  return ticket;
}

/** Whatever became of the operation, this lets the inputs go, and throws the failure if there is one. */
function finish(ticket: number, header: RequestHeader, count: number, fetch?: () => NativeResult): Moved<tf.Tensor> {
  const splits = splitsOf(fetch);
  return { values: execute('TsringFinish', ticket, header, count, [], count), splits };
}

function splitsOf(fetch: (() => NativeResult) | undefined): readonly number[] | undefined {
  try {
    return fetch?.().splits;
  } catch {
    return undefined;
  }
}

/** Handles go as scalars: TensorFlow keeps a kernel for each set of attributes that it meets, for good. */
function execute(
  op: string,
  ticket: number,
  { dtype }: RequestHeader,
  count: number,
  inputs: readonly tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const backend = tf.backend() as object as TensorflowBackend;
  const { TF_ATTR_INT, TF_ATTR_TYPE } = backend.binding;
  const attributes = [
    { name: 'N', type: TF_ATTR_INT, value: count },
    { name: 'T', type: TF_ATTR_TYPE, value: backend.getDTypeInteger(dtype) },
  ];
  const handle = tf.scalar(ticket, 'int32');
  try {
    return backend.executeMultipleOutputs(op, attributes, [handle, ...inputs], outputs);
  } catch (error) {
    throw asRingError(error);
  } finally {
    handle.dispose();
  }
}

/** Our kernels put `tsring:CODE:sentence` into TensorFlow's status, and others put words before it. */
function asRingError(error: unknown): unknown {
  const [, codeText, sentence = ''] =
    /tsring:(RING_[A-Z_]+):([^]*)$/.exec(error instanceof Error ? error.message : '') ?? [];
  const code = ringErrorCodes.find((known) => known === codeText);
  return code === undefined ? error : new RingError(code, sentence, { cause: error });
}
