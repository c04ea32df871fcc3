import * as tf from '@tensorflow/tfjs-core';

interface Result {
  /** Null at the end. */
  readonly value: tf.TensorContainer | null;
  readonly done: boolean;
}

interface Iterator {
  next(): Promise<Result>;
}

/** What we use of a `tf.data.Dataset`. */
export interface DatasetLike {
  readonly size: number | null;
  /** What it gives is a share already. */
  readonly isShare?: boolean;
  iterator(): Promise<object>;
}

export function isDataset(value: unknown): value is DatasetLike {
  return typeof value === 'object' && value !== null && typeof (value as Partial<DatasetLike>).iterator === 'function';
}

/**
 * A dataset of the elements `part`, `part + parts` ... of another. It reads all of them; those of others are disposed of. Unless `uneven`,
 * it ends with the last turn in which every part has an element.
 */
export function shardDataset<T extends DatasetLike>(dataset: T, part: number, parts: number, uneven: boolean): T {
  const size = dataset.size;
  const own = size === null ? null : uneven ? Math.ceil((size - part) / parts) : Math.floor(size / parts);
  // Datasets and their iterators make all they can do of this one method, so that nothing of tfjs-data is needed.
  return Object.create(dataset, {
    size: { value: own },
    iterator: {
      value: async () => {
        const all = (await dataset.iterator()) as Iterator;
        const next = inTurn(() => nextOf(all, part, parts, uneven));
        return Object.create(all, { next: { value: next } }) as object;
      },
    },
  }) as T;
}

async function nextOf(all: Iterator, part: number, parts: number, uneven: boolean): Promise<Result> {
  let own: Result = { value: null, done: true };
  for (let turn = 0; turn < parts; turn++) {
    const result = await all.next();
    if (result.done) {
      if (uneven) return own;
      tf.dispose(own.value ?? []);
      return { value: null, done: true };
    }
    if (turn === part) own = result;
    else tf.dispose(result.value ?? []);
  }
  return own;
}

/** Calls that come before the last has ended wait for it. */
function inTurn<T>(action: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const next = last.then(action);
    last = next.catch(() => undefined);
    return next;
  };
}
