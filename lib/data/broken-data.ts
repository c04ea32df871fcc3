import { RingError } from '../errors.js';

/** What is said of data that cannot be read. `where` names file and record, or file and byte. */
export function brokenData(where: string, what: string, cause?: unknown): RingError {
  return new RingError('RING_DATA', `${where}: ${what}`, cause === undefined ? undefined : { cause });
}

export function isBrokenData(error: unknown): error is RingError {
  return error instanceof RingError && error.code === 'RING_DATA';
}

/** The first line of whatever was thrown, without the full stop, to be put into a longer one. */
export function reasonOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  return line.replace(/[\s.]+$/, '');
}
