import * as tf from '@tensorflow/tfjs-core';
import { checkedDType, checkedRoot, checkedRows, invalid, isTensor, type Same, type Value } from './arguments.js';
import { differentiable, gradientName, noGradient } from './collectives/gradients.js';
import { handle, type Handle } from './collectives/handle.js';
import { named, type NamedOptions } from './collectives/named.js';
import { plainAllreduce } from './collectives/plain-allreduce.js';
import { reduction, type ReduceOptions } from './collectives/reduction.js';
import { all, checkedValues, first } from './collectives/values.js';
import type { UnderWay } from './collectives/under-way.js';
import { open, operateSync, start, type Operation } from './operation.js';
import type { ActiveSession } from './active-session.js';
import { sessionOf } from './process-set.js';

/**
 * Reduces `value` over all ranks, element by element; every rank gets the same bits.
 *
 * @param value - the same shape and dtype on every rank; left alone by the caller until the promise settles
 * @returns a new tensor or array, or `value` itself where `inPlace`
 * @throws {RingError} `RING_MISMATCH` (shape, dtype, op or kind differ), `RING_DUPLICATE_NAME`, `RING_PEER_LOST`, `RING_TIMEOUT`
 */
export function allreduce<T extends Value>(value: T, options: ReduceOptions = {}): Handle<Same<T>> {
  return handle(
    () => {
      const session = sessionOf('allreduce', options.processSet);
      return start(session, reduction(session, 'allreduce', [value], options));
    },
    first<T>,
  );
}

/** As {@link allreduce}, blocking this thread until done. */
export function allreduceSync<T extends Value>(value: T, options: ReduceOptions = {}): Same<T> {
  const session = sessionOf('allreduceSync', options.processSet);
  const reduced = plainAllreduce(session, value, options);
  if (reduced !== undefined) return reduced as Same<T>;
  return first<T>({ values: reduceSync(session, reduction(session, 'allreduce', [value], options)) });
}

/**
 * Reduces several values in one operation, packed together: for many small values much faster than one by one.
 *
 * @param values - all tensors or all typed arrays, one or more, the same shapes and dtypes in the same order on every rank
 */
export function groupedAllreduce<T extends Value>(
  values: readonly T[],
  options: ReduceOptions = {},
): Handle<Same<T>[]> {
  return handle(
    () => {
      const session = sessionOf('groupedAllreduce', options.processSet);
      return start(session, reduction(session, 'groupedAllreduce', values, options));
    },
    all<T>,
  );
}

/** As {@link groupedAllreduce}, blocking this thread until done. */
export function groupedAllreduceSync<T extends Value>(values: readonly T[], options: ReduceOptions = {}): Same<T>[] {
  const session = sessionOf('groupedAllreduceSync', options.processSet);
  return all<T>({ values: reduceSync(session, reduction(session, 'groupedAllreduce', values, options)) });
}

/** As {@link groupedAllreduceSync} in two halves: this hands values over, and JavaScript runs on; see `finishAll`. */
export function startGroupedAllreduce(values: readonly Value[], options: ReduceOptions = {}): UnderWay {
  const session = sessionOf('startGroupedAllreduce', options.processSet);
  return start(session, reduction(session, 'groupedAllreduce', values, options));
}

/** As {@link startGroupedAllreduce}, of tensors of one dtype that an operation of TensorFlow's hands over. @returns the number of its ticket */
export function openGroupedAllreduce(tensors: readonly tf.Tensor[], options: ReduceOptions = {}): number {
  const session = sessionOf('openGroupedAllreduce', options.processSet);
  return open(session, reduction(session, 'groupedAllreduce', tensors, options));
}

/**
 * Joins the values of all ranks along the first dimension, in order of rank.
 *
 * @param value - rank 1 or higher; the same dtype and shape on every rank, but for the first dimension
 */
export function allgather<T extends Value>(value: T, options: NamedOptions = {}): Handle<Same<T>> {
  return handle(
    () => {
      const session = sessionOf('allgather', options.processSet);
      return start(session, gathering(session, 'allgather', [value], options));
    },
    first<T>,
  );
}

/** As {@link allgather}, blocking this thread until done. */
export function allgatherSync<T extends Value>(value: T, options: NamedOptions = {}): Same<T> {
  const session = sessionOf('allgatherSync', options.processSet);
  return first<T>({ values: gatherSync(session, gathering(session, 'allgather', [value], options)) });
}

/**
 * Joins several values in one operation: as many calls of {@link allgather}, agreed on at once, and small ones moved together.
 *
 * @param values - all tensors or all typed arrays, one or more, in the same order on every rank
 */
export function groupedAllgather<T extends Value>(values: readonly T[], options: NamedOptions = {}): Handle<Same<T>[]> {
  return handle(
    () => {
      const session = sessionOf('groupedAllgather', options.processSet);
      return start(session, gathering(session, 'groupedAllgather', values, options));
    },
    all<T>,
  );
}

/** As {@link groupedAllgather}, blocking this thread until done. */
export function groupedAllgatherSync<T extends Value>(values: readonly T[], options: NamedOptions = {}): Same<T>[] {
  const session = sessionOf('groupedAllgatherSync', options.processSet);
  return all<T>({ values: gatherSync(session, gathering(session, 'groupedAllgather', values, options)) });
}

/** As {@link groupedAllgatherSync} in two halves, as `startGroupedAllreduce`. */
export function startGroupedAllgather(values: readonly Value[], options: NamedOptions = {}): UnderWay {
  const session = sessionOf('startGroupedAllgather', options.processSet);
  return start(session, gathering(session, 'groupedAllgather', values, options));
}

export interface BroadcastOptions extends NamedOptions {
  /** Typed arrays and variables: the root's numbers replace the value, which is then the result. */
  inPlace?: boolean;
}

/**
 * Gives every rank the value of `rootRank`.
 *
 * @param value - the same shape and dtype on every rank; only the root's numbers matter
 * @returns a new tensor or array, on the root too
 */
export function broadcast<T extends Value>(value: T, rootRank = 0, options: BroadcastOptions = {}): Handle<Same<T>> {
  return handle(
    () => {
      const session = sessionOf('broadcast', options.processSet);
      return start(session, spreading(session, value, rootRank, options));
    },
    ({ values }) => placed(value, values[0]!, options),
  );
}

/** As {@link broadcast}, blocking this thread until done. */
export function broadcastSync<T extends Value>(value: T, rootRank = 0, options: BroadcastOptions = {}): Same<T> {
  const session = sessionOf('broadcastSync', options.processSet);
  const results = spreadSync(session, spreading(session, value, rootRank, options));
  return placed(value, results[0]!, options);
}

/** Settles once every rank has called it. */
export function barrier(options: NamedOptions = {}): Handle<void> {
  return handle(
    () => {
      const session = sessionOf('barrier', options.processSet);
      return start(session, meeting(session, options));
    },
    () => undefined,
  );
}

/** As {@link barrier}, blocking this thread until done. */
export function barrierSync(options: NamedOptions = {}): void {
  const session = sessionOf('barrierSync', options.processSet);
  operateSync(session, meeting(session, options));
}

/** The gradient of a sum over ranks is the sum of the gradients over ranks, scaled alike. */
function reduceSync(session: ActiveSession, operation: Operation): readonly Value[] {
  const { values } = operateSync(session, operation);
  return differentiable(operation.values, values, (gradient, index) => {
    const { op = 'average', name } = operation;
    if (op !== 'sum' && op !== 'average') return noGradient('allreduce', op);
    const back = {
      ...operation,
      name: gradientName(name, index),
      values: [gradient],
      dtypes: [operation.dtypes[index]!],
    };
    return reduceSync(session, back)[0] as tf.Tensor;
  });
}

/** Each rank's rows went to all ranks, so their gradient is the sum over ranks of the gradients of those rows. */
export function gatherSync(session: ActiveSession, operation: Operation): readonly Value[] {
  const { values } = operateSync(session, operation);
  return differentiable(operation.values, values, (gradient, index) => {
    const name = gradientName(operation.name, index);
    const rows = Int32Array.of(checkedRows('allgather', operation.values[index]!));
    const counts = {
      kind: 'allgather',
      name: `${name}.rows`,
      values: [rows],
      dtypes: ['int32'],
      inPlace: false,
    } as const;
    const byRank = operateSync(session, counts).values[0] as Int32Array;
    const before = byRank.subarray(0, session.config.rank).reduce((a, b) => a + b, 0);
    return tf.slice(sumSync(session, name, gradient), before, rows[0]);
  });
}

/** All ranks have the root's value, so its gradient is the sum of theirs; what the others gave has no part in the result. */
function spreadSync(session: ActiveSession, operation: Operation): readonly Value[] {
  const { values } = operateSync(session, operation);
  return differentiable(operation.values, values, (gradient, index) => {
    const sum = sumSync(session, gradientName(operation.name, index), gradient);
    const isRoot = operation.rootRank === session.ranks[session.config.rank];
    return isRoot ? sum : tf.zerosLike(sum);
  });
}

function sumSync(session: ActiveSession, name: string, gradient: tf.Tensor): tf.Tensor {
  const dtypes = [checkedDType('allreduce', gradient)];
  return reduceSync(session, {
    kind: 'allreduce',
    op: 'sum',
    name,
    values: [gradient],
    dtypes,
    inPlace: false,
  })[0] as tf.Tensor;
}

function gathering(
  session: ActiveSession,
  where: 'allgather' | 'groupedAllgather',
  values: readonly Value[],
  options: NamedOptions,
): Operation {
  const dtypes = checkedValues(where, values, where === 'groupedAllgather');
  values.forEach((value) => checkedRows(where, value));
  return { kind: 'allgather', ...named(session, where, options), values, dtypes, inPlace: false };
}

function spreading(session: ActiveSession, value: Value, root: number, options: BroadcastOptions): Operation {
  const dtypes = [checkedDType('broadcast', value)];
  if (options.inPlace && isTensor(value) && !(value instanceof tf.Variable))
    throw invalid('broadcast', 'a tensor cannot be changed in place; give a tf.Variable, or leave inPlace out');
  const rootRank = checkedRoot('broadcast', root, session.ranks);
  const inPlace = options.inPlace === true && !isTensor(value);
  return { kind: 'broadcast', ...named(session, 'broadcast', options), rootRank, values: [value], dtypes, inPlace };
}

function meeting(session: ActiveSession, options: NamedOptions): Operation {
  return { kind: 'barrier', ...named(session, 'barrier', options), values: [], dtypes: [], inPlace: false };
}

/** The result, or the variable that it was put into. */
function placed<T extends Value>(value: T, result: Value, { inPlace }: BroadcastOptions): Same<T> {
  if (!inPlace || !(value instanceof tf.Variable)) return result as Same<T>;
  value.assign(result as tf.Tensor);
  (result as tf.Tensor).dispose();
  return value as Value as Same<T>;
}
