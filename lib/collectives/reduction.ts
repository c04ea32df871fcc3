import {
  checkedFactor,
  checkedLabels,
  checkedOp,
  checkedPayload,
  checkedRows,
  invalid,
  isTensor,
  type Value,
} from '../arguments.js';
import type { HalfDType, ReduceOp } from '../native/binding.js';
import type { Operation } from '../operation.js';
import type { ActiveSession } from '../active-session.js';
import { named, type NamedOptions } from './named.js';
import { checkedValues } from './values.js';

export interface ReduceOptions extends NamedOptions {
  /**
   * 'average' unless given. Sums and products of integers wrap around as in C; their average is the sum divided, truncated toward zero
   * (so an average of uint8 wants int32, where the sum does not fit). For bool, 'min' and 'product' are "all", 'max' and 'sum' are "any".
   * 'adasum', for floats, averages gradients that point the same way and adds those at right angles; each value of a group on its own.
   */
  op?: ReduceOp;
  /** Typed arrays only: the result replaces the values. Leave them alone until then; after a failure they are undefined. */
  inPlace?: boolean;
  /**
   * Every element is multiplied by it before it is sent; finite, the same on every rank. Integers are multiplied as float64, truncated
   * toward zero, and stop at the ends of their range. Not for bool.
   */
  prescaleFactor?: number;
  /** As `prescaleFactor`, on the result; after an average has been divided. */
  postscaleFactor?: number;
  /**
   * Uint16Arrays only: they hold the bits of 16-bit floats. These are combined in float32 and rounded to nearest even, once for what a
   * rank combines in one go; float16 ends at 65504, so an average may become infinite on its way where the sum is larger.
   */
  dtype?: HalfDType;
  /**
   * For allreduce; 'none' unless given. Elements of float32 travel, and are combined, as 16-bit floats: half the bytes, less precision (11 bits
   * for 'fp16', which ends at 65504, and 8 for 'bf16', which has float32's range). Not with 'adasum'. With 'int8', for sums and averages, they
   * travel as 8-bit integers, of which 256 share a scale: about a quarter of the bytes, each number off by at most 1/254 of the largest of
   * its block, on its rank and once more as a sum. The result is float32, and the same on every rank.
   */
  compression?: Compression;
  /** Names of the values, one each, that messages tell of them; a group has but one name otherwise. */
  labels?: readonly string[];
}

export type Compression = 'none' | 'fp16' | 'bf16' | 'int8';

/** A checked call of an operation that combines elements. */
export function reduction(
  session: ActiveSession,
  where: 'allreduce' | 'groupedAllreduce' | 'reducescatter' | 'groupedReducescatter',
  values: readonly Value[],
  options: ReduceOptions,
): Operation {
  const kind = where.endsWith('llreduce') ? 'allreduce' : 'reducescatter';
  const dtypes = checkedValues(where, values, where.startsWith('grouped'), options.dtype);
  if (options.inPlace && kind === 'reducescatter')
    throw invalid(where, 'the result is not as long as the value; leave inPlace out');
  if (options.inPlace && isTensor(values[0]))
    throw invalid(where, 'a tensor cannot be changed in place; leave inPlace out');
  if (kind === 'reducescatter') values.forEach((value) => checkedRows(where, value));
  const op = checkedOp(where, options.op, dtypes);
  const prescale = checkedFactor(where, 'prescaleFactor', options.prescaleFactor, dtypes);
  const postscale = checkedFactor(where, 'postscaleFactor', options.postscaleFactor, dtypes);
  const payload = checkedPayload(where, options.compression);
  if (payload !== undefined && (kind === 'reducescatter' || op === 'adasum'))
    throw invalid(where, 'compression is for an allreduce that is no adasum; leave it out');
  if (payload === 'int8' && op !== 'sum' && op !== 'average')
    throw invalid(where, `compression 'int8' is for sums and averages, not for op '${op}'`);
  const labels = checkedLabels(where, options.labels, values.length);
  const { name, priority } = named(session, where, options);
  // Spread first, an object that was made elsewhere costs a blocking call of 4 bytes four microseconds.
  return {
    ...{ kind, name, op, values, dtypes, inPlace: options.inPlace === true },
    ...(priority !== undefined && { priority }),
    ...(prescale !== undefined && { prescale }),
    ...(postscale !== undefined && { postscale }),
    ...(payload !== undefined && { payload }),
    ...(labels !== undefined && session.config.checkFinite && { labels }),
  };
}
