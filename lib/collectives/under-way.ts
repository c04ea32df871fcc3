import { isTensor, type Value } from '../arguments.js';
import type { Moved, Started } from '../native/started.js';

/** An operation on values that has been started. */
export type UnderWay = Started<Moved<Value>>;

/** Blocks until all are done. After a failure nothing is left: what was finished is disposed of, the rest is abandoned. */
export function finishAll(started: readonly UnderWay[]): Moved<Value>[] {
  const results: Moved<Value>[] = [];
  try {
    for (const one of started) results.push(one.wait());
    return results;
  } catch (error) {
    results.forEach(dispose);
    started.slice(results.length + 1).forEach(abandon);
    throw error;
  }
}

/** As `finishAll`, without blocking. */
export async function finished(started: readonly UnderWay[]): Promise<Moved<Value>[]> {
  const promises = started.map((one) => one.promise());
  try {
    return await Promise.all(promises);
  } catch (error) {
    started.forEach(abandon);
    throw error;
  }
}

/** Has the results disposed of when they come, and an error forgotten. */
export function abandon(started: UnderWay): void {
  void started.promise().then(dispose, () => undefined);
}

function dispose({ values }: Moved<Value>): void {
  for (const value of values) if (isTensor(value)) value.dispose();
}
