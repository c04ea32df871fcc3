import type { DType, ReduceOp } from './binding.js';
import { loadAddon } from './load.js';

const numbers = new Map<DType, Map<ReduceOp, number>>();

/** What `NativeSession.reduce` knows a dtype and an operation by: a number costs a call less than two strings. */
export function reductionNumber(dtype: DType, op: ReduceOp): number {
  return numbers.get(dtype)?.get(op) ?? askedFor(dtype, op);
}

function askedFor(dtype: DType, op: ReduceOp): number {
  const number = loadAddon().reductionNumber(dtype, op);
  const ofDType = numbers.get(dtype) ?? new Map<ReduceOp, number>();
  numbers.set(dtype, ofDType.set(op, number));
  return number;
}
