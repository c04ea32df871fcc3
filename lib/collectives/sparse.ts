import * as tf from '@tensorflow/tfjs-core';
import { checkedRows, invalid, isTensor, show, type Same, type Value } from '../arguments.js';
import { gatherSync } from '../collectives.js';
import type { NumericArray } from '../native/binding.js';
import { start, type Operation } from '../operation.js';
import { sessionOf } from '../process-set.js';
import { handle, type Handle } from './handle.js';
import { named, type NamedOptions } from './named.js';
import { checkedValues } from './values.js';

/** Rows of a large tensor of which most are zero: `values` holds row `indices[i]` at `i`. A row may come more than once, and then adds up. */
export interface Sparse<V extends Value = Value> {
  /** A tensor of int32 and rank 1 where the values are a tensor. */
  indices: V extends tf.Tensor ? tf.Tensor : Int32Array;
  /** As many rows; of a typed array equally long runs of elements. Floats of 32 or 64 bits. */
  values: V;
}

export interface SparseOptions extends NamedOptions {
  /** 'average' unless given: values are divided by the number of ranks. */
  op?: 'average' | 'sum';
}

/**
 * Adds up rows of all ranks by putting them one below the other: indices and values are gathered, and nobody makes zeros of the rows that
 * are missing. What comes back may have the same index several times.
 *
 * @param sparse - the same width and dtype on every rank; the number of rows may differ, and may be 0
 * @throws {RingError} as `allgather`
 */
export function sparseAllreduce<V extends Value>(
  sparse: Sparse<V>,
  options: SparseOptions = {},
): Handle<Sparse<Same<V>>> {
  let divisor = 1;
  return handle(
    () => {
      const session = sessionOf('sparseAllreduce', options.processSet);
      if (options.op !== 'sum') divisor = session.config.size;
      return start(session, gathering(session, sparse, options));
    },
    ({ values }) => divided<V>(values, divisor),
  );
}

/** As {@link sparseAllreduce}, blocking this thread until done. The gradient of values is that of a gather, scaled alike. */
export function sparseAllreduceSync<V extends Value>(sparse: Sparse<V>, options: SparseOptions = {}): Sparse<Same<V>> {
  const session = sessionOf('sparseAllreduceSync', options.processSet);
  const values = gatherSync(session, gathering(session, sparse, options));
  return divided<V>(values, options.op === 'sum' ? 1 : session.config.size);
}

function gathering(
  session: ReturnType<typeof sessionOf>,
  { indices, values }: Sparse,
  options: SparseOptions,
): Operation {
  const where = 'sparseAllreduce';
  const { op = 'average' } = options;
  if (!['average', 'sum'].includes(op)) throw invalid(where, `op is ${show(op)}; 'average' or 'sum'`);
  const dtypes = checkedValues(where, [indices, values], true);
  if (dtypes[0] !== 'int32') throw invalid(where, `indices are ${dtypes[0]}; give int32`);
  if (!dtypes[1]!.startsWith('float')) throw invalid(where, `values are ${dtypes[1]}; give floats`);
  if (isTensor(indices) && indices.rank !== 1)
    throw invalid(where, `indices have shape [${indices.shape.join()}]; give rank 1`);
  const [rows, length] = [checkedRows(where, indices), checkedRows(where, values)];
  if (isTensor(values) ? rows !== length : length % Math.max(rows, 1) !== 0 || (rows === 0 && length > 0))
    throw invalid(where, `${rows} indices do not go with ${length} values`);
  return {
    ...{ kind: 'allgather', values: [indices, values], dtypes, inPlace: false },
    ...named(session, where, options),
  };
}

function divided<V extends Value>([indices, values]: readonly Value[], divisor: number): Sparse<Same<V>> {
  return { indices: indices as Sparse<Same<V>>['indices'], values: dividedBy(values!, divisor) as Same<V> };
}

function dividedBy(values: Value, divisor: number): Value {
  if (divisor === 1) return values;
  if (!isTensor(values)) return (values as Exclude<NumericArray, BigInt64Array>).map((value) => value / divisor);
  const quotient = tf.div(values, divisor);
  values.dispose();
  return quotient;
}
