import * as tf from '@tensorflow/tfjs-core';
import type { Same, Value } from '../arguments.js';
import { gatherSync } from '../collectives.js';
import { operateSync, start, type Operation } from '../operation.js';
import type { ActiveSession } from '../active-session.js';
import { sessionOf } from '../process-set.js';
import { differentiable, gradientName, noGradient } from './gradients.js';
import { handle, type Handle } from './handle.js';
import { reduction, type ReduceOptions } from './reduction.js';
import type { UnderWay } from './under-way.js';
import { all, first } from './values.js';

export type ReducescatterOptions = Omit<ReduceOptions, 'inPlace'>;

/**
 * Reduces `value` over all ranks and leaves each rank its share of the rows: of `r` rows on `n` ranks the first `r mod n` get one more.
 *
 * @param value - the same shape and dtype on every rank, tensors of rank 1 or higher; an element of a typed array is a row
 * @returns this rank's rows, which may be none
 * @throws {RingError} as `allreduce`
 */
export function reducescatter<T extends Value>(value: T, options: ReducescatterOptions = {}): Handle<Same<T>> {
  return handle(
    () => {
      const session = sessionOf('reducescatter', options.processSet);
      return start(session, reduction(session, 'reducescatter', [value], options));
    },
    first<T>,
  );
}

/** As {@link reducescatter}, blocking this thread until done. */
export function reducescatterSync<T extends Value>(value: T, options: ReducescatterOptions = {}): Same<T> {
  const session = sessionOf('reducescatterSync', options.processSet);
  return first<T>({ values: scatterSync(session, reduction(session, 'reducescatter', [value], options)) });
}

/**
 * Several values in one operation, packed together.
 *
 * @param values - all tensors or all typed arrays, one or more, the same shapes and dtypes in the same order on every rank
 */
export function groupedReducescatter<T extends Value>(
  values: readonly T[],
  options: ReducescatterOptions = {},
): Handle<Same<T>[]> {
  return handle(
    () => {
      const session = sessionOf('groupedReducescatter', options.processSet);
      return start(session, reduction(session, 'groupedReducescatter', values, options));
    },
    all<T>,
  );
}

/** As {@link groupedReducescatterSync} in two halves: this hands tensors over, and JavaScript runs on; see `finishAll`. */
export function startGroupedReducescatter(values: readonly tf.Tensor[], options: ReducescatterOptions = {}): UnderWay {
  const session = sessionOf('startGroupedReducescatter', options.processSet);
  return start(session, reduction(session, 'groupedReducescatter', values, options));
}

/** As {@link groupedReducescatter}, blocking this thread until done. */
export function groupedReducescatterSync<T extends Value>(
  values: readonly T[],
  options: ReducescatterOptions = {},
): Same<T>[] {
  const session = sessionOf('groupedReducescatterSync', options.processSet);
  return all<T>({ values: scatterSync(session, reduction(session, 'groupedReducescatter', values, options)) });
}

/** A row went into one result, on the rank that has it: its gradient is there, for all ranks alike. */
function scatterSync(session: ActiveSession, operation: Operation): readonly Value[] {
  const { values } = operateSync(session, operation);
  return differentiable(operation.values, values, (gradient, index) => {
    const { op = 'average', name, prescale = 1, postscale = 1 } = operation;
    if (op !== 'sum' && op !== 'average') return noGradient('reducescatter', op);
    const factor = (prescale * postscale) / (op === 'average' ? session.config.size : 1);
    const back = { kind: 'allgather', name: gradientName(name, index), values: [gradient], inPlace: false } as const;
    const [gathered] = gatherSync(session, { ...back, dtypes: [operation.dtypes[index]!] });
    return tf.mul(gathered as tf.Tensor, factor);
  });
}
