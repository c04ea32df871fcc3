import * as tf from '@tensorflow/tfjs-core';
import { RingError, ringErrorCodes } from '../errors.js';

/** What tfjs-node knows of a tensor's data. */
export interface TensorEntry {
  readonly shape: readonly number[];
  readonly dtype: number;
  /** TensorFlow's tensor; below zero: none yet. */
  id: number;
  /** What TensorFlow has not been given yet. Whoever wants the tensor looks here first. */
  values: unknown;
  /** How many tensors of tfjs have this data. */
  refCount: number;
}

/** What we use of tfjs-node. */
export interface TensorflowBackend {
  /** TensorFlow has a GPU, and computes there. */
  readonly isUsingGpuDevice?: boolean;
  readonly binding: { readonly TF_ATTR_INT: number; readonly TF_ATTR_TYPE: number };
  getDTypeInteger(dtype: string): number;
  /** What it knows of each tensor's data. */
  readonly tensorMap: {
    get(dataId: object): TensorEntry;
    set(dataId: object, entry: TensorEntry): void;
  };
  /** One tensor more has this data. */
  incRef(dataId: object): void;
  /** Run a TensorFlow operation on this thread. Results are tracked as those of tfjs's own operations. */
  executeSingleOutput(op: string, attributes: object[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(op: string, attributes: object[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
}

/** One of our operations in TensorFlow, as it is called. */
export interface TensorflowCall {
  readonly op: string;
  /** Its first input: handles go as scalars, as TensorFlow keeps a kernel for each set of attributes that it meets, for good. */
  readonly handle: number;
  readonly inputs: readonly tf.Tensor[];
  readonly outputs: number;
  /** Its attribute N, of those that have one. */
  readonly count?: number;
  /** Its attribute T, of those that have one. */
  readonly dtype?: string;
  /** Its attribute M, of those that have one. */
  readonly results?: number;
}

/** @throws {RingError} what our kernel reports */
export function execute({ op, handle, inputs, outputs, count, dtype, results }: TensorflowCall): tf.Tensor[] {
  const backend = tf.backend() as object as TensorflowBackend;
  const { TF_ATTR_INT, TF_ATTR_TYPE } = backend.binding;
  const attributes = [
    ...(count === undefined ? [] : [{ name: 'N', type: TF_ATTR_INT, value: count }]),
    ...(dtype === undefined ? [] : [{ name: 'T', type: TF_ATTR_TYPE, value: backend.getDTypeInteger(dtype) }]),
    ...(results === undefined ? [] : [{ name: 'M', type: TF_ATTR_INT, value: results }]),
  ];
  const scalar = tf.scalar(handle, 'int32');
  try {
    return backend.executeMultipleOutputs(op, attributes, [scalar, ...inputs], outputs);
  } catch (error) {
    throw asRingError(error);
  } finally {
    scalar.dispose();
  }
}

/** Our kernels put `tsring:CODE:sentence` into TensorFlow's status, and others put words before it. */
function asRingError(error: unknown): unknown {
  const [, codeText, sentence = ''] =
    /tsring:(RING_[A-Z_]+):([^]*)$/.exec(error instanceof Error ? error.message : '') ?? [];
  const code = ringErrorCodes.find((known) => known === codeText);
  return code === undefined ? error : new RingError(code, sentence, { cause: error });
}
