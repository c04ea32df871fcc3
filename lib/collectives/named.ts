import { checkedName, invalid, show } from '../arguments.js';
import type { ActiveSession } from '../active-session.js';
import type { ProcessSet } from '../process-set.js';

export interface NamedOptions {
  /** The same on all ranks; calls pair up by it, in any order. Unnamed calls are numbered, and so must come in the same order. */
  name?: string;
  /** The ranks that take part; all of the job's unless given. Names count within a set: sets may use the same at once. */
  processSet?: ProcessSet;
  /**
   * A whole number of 32 bits, 0 unless given. Of operations that all ranks have asked for and that wait for others to be carried out, the
   * one with the largest priority goes first, on all ranks alike; what has begun is not interrupted. Only the first rank's counts. For large
   * operations: from the first with a priority on, no more than two are let go at a time.
   */
  priority?: number;
}

/** What an operation is known by, and its turn. @throws {RingError} `RING_INVALID_ARGUMENT` naming the option */
export function named(
  session: ActiveSession,
  where: string,
  { name, priority }: NamedOptions,
): { readonly name: string; readonly priority?: number } {
  const known = { name: checkedName(where, name, () => session.nextName(where)) };
  if (priority === undefined) return known;
  if (!Number.isInteger(priority) || priority !== (priority | 0))
    throw invalid(where, `priority is ${show(priority)}; a whole number from -2147483648 to 2147483647`);
  return { ...known, priority };
}
