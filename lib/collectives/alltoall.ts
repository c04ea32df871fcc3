import type * as tf from '@tensorflow/tfjs-core';
import { checkedDType, checkedRows, checkedSplits, type Same, type Value } from '../arguments.js';
import type { Moved } from '../native/started.js';
import { operateSync, start, type Operation } from '../operation.js';
import type { ActiveSession } from '../active-session.js';
import { sessionOf } from '../process-set.js';
import { differentiable, gradientName } from './gradients.js';
import { handle, type Handle } from './handle.js';
import { named, type NamedOptions } from './named.js';
import { first } from './values.js';

export interface AlltoallOptions extends NamedOptions {
  /** How many rows go to each rank: whole numbers from 0 that add up to the rows there are. Equal shares unless given. */
  splits?: ArrayLike<number>;
}

export interface Exchanged<V> {
  /** The rows that came, in the order of the ranks. */
  readonly value: V;
  /** How many came from each rank. */
  readonly receivedSplits: readonly number[];
}

/**
 * Gives every rank its part of this rank's rows, and gets this rank's part of everyone's.
 *
 * @param value - the same dtype and shape on every rank, but for the first dimension; an element of a typed array is a row
 * @throws {RingError} `RING_INVALID_ARGUMENT` (splits that do not add up), `RING_MISMATCH` (dtype, or shape beyond the first dimension)
 */
export function alltoall<T extends Value>(value: T, options: AlltoallOptions = {}): Handle<Exchanged<Same<T>>> {
  return handle(
    () => {
      const session = sessionOf('alltoall', options.processSet);
      return start(session, exchange(session, value, options));
    },
    exchanged<T>,
  );
}

/** As {@link alltoall}, blocking this thread until done. */
export function alltoallSync<T extends Value>(value: T, options: AlltoallOptions = {}): Exchanged<Same<T>> {
  const session = sessionOf('alltoallSync', options.processSet);
  return exchanged<T>(exchangeSync(session, exchange(session, value, options)));
}

function exchange(session: ActiveSession, value: Value, options: AlltoallOptions): Operation {
  const where = 'alltoall';
  const dtypes = [checkedDType(where, value)];
  const splits = checkedSplits(where, options.splits, checkedRows(where, value), session.config.size);
  return { kind: where, ...named(session, where, options), splits, values: [value], dtypes, inPlace: false };
}

/** What came goes back: as many rows to each rank as came from it. */
function exchangeSync(session: ActiveSession, operation: Operation): Moved<Value> {
  const moved = operateSync(session, operation);
  const values = differentiable(operation.values, moved.values, (gradient, index) => {
    const name = gradientName(operation.name, index);
    const back = { ...operation, name, splits: moved.splits!, values: [gradient] };
    return exchangeSync(session, back).values[0] as tf.Tensor;
  });
  return { values, splits: moved.splits };
}

function exchanged<T extends Value>(moved: Moved<Value>): Exchanged<Same<T>> {
  return { value: first<T>(moved), receivedSplits: moved.splits! };
}
