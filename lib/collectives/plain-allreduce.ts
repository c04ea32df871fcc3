import { plainArrayDType } from '../arguments.js';
import type { ActiveSession } from '../active-session.js';
import type { NumericArray, ReduceOp } from '../native/binding.js';
import { reduceArray } from '../operation.js';
import type { ReduceOptions } from './reduction.js';

// A UTF-16 unit takes 3 bytes of UTF-8 at most, so a name of so many is within the 512 bytes that are allowed.
const longestPlainName = 170;
const plainOps: ReadonlySet<unknown> = new Set<ReduceOp>(['average', 'sum', 'min', 'max', 'product']);

/**
 * The commonest call that blocks, an allreduce of one typed array with a name, without any of the rarer options: in shared memory it takes less time
 * than it takes to look at all options and to build an operation. So this looks only whether it is such a call, and right.
 *
 * @returns the result; undefined, and nothing done, for any other call: `reduction` knows all, and what is wrong with them
 */
export function plainAllreduce(
  session: ActiveSession,
  value: unknown,
  options: ReduceOptions,
): NumericArray | undefined {
  const { name, op = 'average', inPlace = false } = options;
  if (typeof name !== 'string' || name.length === 0 || name.length > longestPlainName) return undefined;
  if (typeof inPlace !== 'boolean' || !plainOps.has(op) || hasRareOptions(options)) return undefined;
  const dtype = plainArrayDType(value);
  return dtype && reduceArray(session, name, dtype, op, value as NumericArray, inPlace);
}

function hasRareOptions(options: ReduceOptions): boolean {
  return (
    options.prescaleFactor !== undefined ||
    options.postscaleFactor !== undefined ||
    options.compression !== undefined ||
    options.dtype !== undefined ||
    options.priority !== undefined ||
    options.labels !== undefined
  );
}
