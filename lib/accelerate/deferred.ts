import * as tf from '@tensorflow/tfjs-core';
import type { TensorEntry, TensorflowBackend } from '../tensors/tensorflow-ops.js';

export interface Deferral<About> {
  readonly shape: readonly number[];
  /** What it is computed of; kept until then, or until nobody has the tensor any more. */
  readonly inputs: readonly tf.TensorInfo[];
  readonly about: About;
  /** Computes it, float32 of that shape. */
  readonly compute: (inputs: readonly tf.Tensor[]) => tf.Tensor;
}

export interface Deferred<About> {
  readonly about: About;
  readonly inputs: readonly tf.Tensor[];
  /** Computes it; it stays deferred. */
  compute(): tf.Tensor;
  /** Has it be `result`, which is this function's from then on. */
  settle(result: tf.Tensor): void;
}

/**
 * Data of a tensor that is computed when somebody reads it, and never if all dispose of it before. tfjs-node hands a tensor's values to
 * TensorFlow when they are first used, and looks for them each time that a tensor is used: that is where it is computed.
 */
export class Deferrals<About> {
  private readonly pending = new WeakMap<object, Deferred<About>>();

  defer(backend: TensorflowBackend, { shape, inputs, about, compute }: Deferral<About>): tf.TensorInfo {
    const pending = this.pending;
    const dataId = {};
    const held = inputs.map((input) => hold(backend, input));
    const letGo = () => {
      pending.delete(dataId);
      tf.dispose(held);
    };
    const deferred: Deferred<About> = {
      about,
      inputs: held,
      compute: () => compute(held),
      settle(result) {
        const given = backend.tensorMap.get(result.dataId);
        entry.id = given.id;
        given.id = -1; // or it would be deleted with the result
        result.dispose();
        letGo();
      },
    };
    let references = 1;
    const entry: TensorEntry = {
      shape,
      dtype: backend.getDTypeInteger('float32'),
      id: -1,
      get values() {
        pending.get(dataId)?.settle(compute(held));
        return null;
      },
      get refCount() {
        return references;
      },
      set refCount(count) {
        references = count;
        if (count <= 0 && pending.has(dataId)) letGo();
      },
    };
    backend.tensorMap.set(dataId, entry);
    pending.set(dataId, deferred);
    return { dataId, shape: [...shape], dtype: 'float32' };
  }

  /** What a tensor is to be computed of; undefined once it is, and for all other tensors. */
  of(tensor: tf.TensorInfo): Deferred<About> | undefined {
    return this.pending.get(tensor.dataId);
  }
}

/** Whether this tfjs-node keeps what it knows of tensors as `Deferrals` needs it. */
export function canDefer(backend: TensorflowBackend, some: tf.TensorInfo): boolean {
  const entry = (backend.tensorMap as Partial<TensorflowBackend['tensorMap']> | undefined)?.get?.(some.dataId);
  return entry !== undefined && ['id', 'values', 'refCount'].every((name) => name in entry);
}

/** A tensor with the data of another, that no scope disposes of. */
function hold(backend: TensorflowBackend, { dataId, shape, dtype }: tf.TensorInfo): tf.Tensor {
  backend.incRef(dataId);
  return tf.keep(tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype }));
}
