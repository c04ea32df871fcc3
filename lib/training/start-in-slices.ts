import * as tf from '@tensorflow/tfjs-core';
import type { Value } from '../arguments.js';
import { abandon, finishAll, finished, type UnderWay } from '../collectives/under-way.js';
import type { Moved } from '../native/started.js';

// Of the engine: elements that share a scale with compression to 8 bits (native/kernel/quantize.h). Slices that begin with a block have the
// bits of the whole.
const blockCount = 256;

/** How many elements a slice has: at most `bytes` of float32, and a block at least. */
export function sliceElements(bytes: number): number {
  return Math.max(blockCount, Math.floor(bytes / 4 / blockCount) * blockCount);
}

/**
 * Starts an operation for each slice of a tensor; the result is one tensor of its shape. On the tensorflow backend slices are the tensor's own
 * memory; that of the results is one run only once they have been copied together.
 *
 * @param elements - of a slice; the last may have fewer
 */
export function startInSlices(
  tensor: tf.Tensor,
  elements: number,
  startSlice: (slice: tf.Tensor, index: number) => UnderWay,
): UnderWay {
  const started: UnderWay[] = [];
  const flat = tf.reshape(tensor, [tensor.size]);
  try {
    for (let begin = 0; begin < tensor.size; begin += elements) {
      const slice = tf.slice(flat, begin, Math.min(elements, tensor.size - begin));
      try {
        started.push(startSlice(slice, started.length));
      } finally {
        slice.dispose();
      }
    }
  } catch (error) {
    started.forEach(abandon);
    throw error;
  } finally {
    flat.dispose();
  }
  const whole = (moved: readonly Moved<Value>[]): Moved<Value> => ({
    values: [
      joined(
        moved.flatMap(({ values }) => values as readonly tf.Tensor[]),
        tensor.shape,
      ),
    ],
  });
  return {
    settled: () => started.every((one) => one.settled()),
    wait: () => whole(finishAll(started)),
    promise: async () => whole(await finished(started)),
  };
}

function joined(slices: readonly tf.Tensor[], shape: readonly number[]): tf.Tensor {
  const flat = tf.concat(slices as tf.Tensor[]);
  tf.dispose(slices as tf.Tensor[]);
  const whole = tf.reshape(flat, [...shape]);
  flat.dispose();
  return whole;
}
