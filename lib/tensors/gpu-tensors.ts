import * as tf from '@tensorflow/tfjs-core';
import type { NativeSession, RequestHeader } from '../native/binding.js';
import { execute, type TensorflowBackend } from './tensorflow-ops.js';

/** Elements. Groups without a larger tensor, such as a metric, go through main memory. */
const few = 64;

/**
 * Whether the engine takes tensors where TensorFlow has them on a GPU, and puts results there. A rank that comes to another answer than the
 * others has them go through main memory too.
 */
export function goOnGpu(session: NativeSession, header: RequestHeader, tensors: readonly tf.Tensor[]): boolean {
  if (tf.getBackend() !== 'tensorflow' || !gpuCombines(header)) return false;
  if (!tensors.some(({ size }) => size > few)) return false;
  return whyThroughHost(session) === undefined;
}

/** NCCL has no Adasum, and nothing that sums blocks of int8. */
function gpuCombines({ kind, dtype, op, payload }: RequestHeader): boolean {
  if (dtype !== 'float32') return false;
  return kind === 'broadcast' || (kind === 'allreduce' && op !== 'adasum' && payload !== 'int8');
}

/** Why tensors of this rank go through main memory, as far as it knows by itself; undefined where they need not. Says it once. */
export function whyThroughHost(session: NativeSession): string | undefined {
  if (!computesOnGpu()) return 'tfjs computes on the CPU';
  const gpu = session.directGpu();
  if (typeof gpu === 'string') return gpu;
  let reason = probed.get(gpu);
  if (reason === undefined) {
    reason = probeGpuTensors(gpu);
    probed.set(gpu, reason);
    if (reason !== '')
      console.warn(
        `tsring: TensorFlow computes on a GPU; its tensors go to the other ranks through main memory: ${reason}`,
      );
  }
  return reason === '' ? undefined : reason;
}

/** By GPU: why not, or nothing. */
const probed = new Map<number, string>();

function computesOnGpu(): boolean {
  return tf.getBackend() === 'tensorflow' && (tf.backend() as Partial<TensorflowBackend>).isUsingGpuDevice === true;
}

/**
 * Has the driver read a tensor that TensorFlow has computed and write another, and compares both with what TensorFlow says of them. Our
 * operations must be registered.
 *
 * @param gpu - this rank's, by its number among those that the process sees
 * @returns why the engine cannot work on TensorFlow's tensors where they are; empty where it can
 */
export function probeGpuTensors(gpu: number): string {
  return tf.tidy(() => {
    const values = tf.square(tf.tensor1d(Float32Array.from({ length: 1000 }, (_, i) => i)));
    try {
      const [negated] = execute({ op: 'TsringProbe', handle: gpu, inputs: [values, values], outputs: 1 });
      const written = negated!.dataSync();
      const expected = values.dataSync();
      const same = written.length === expected.length && expected.every((value, i) => written[i] === -value);
      return same ? '' : 'TensorFlow reads other values than the driver has written';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  });
}
