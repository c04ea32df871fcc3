import { RingError } from '../errors.js';
import { readDumps } from '../flight/dump-file.js';
import { explain } from '../flight/explain.js';

/** What `tsrun analyze DUMP...` prints. @throws RING_INVALID_ARGUMENT */
export function analyze(files: readonly string[]): string {
  if (files.length === 0 || files.some((file) => file.startsWith('-'))) {
    throw new RingError('RING_INVALID_ARGUMENT', 'which dumps? tsrun analyze DUMP..., files or folders');
  }
  return readDumps(files).map(explain).join('\n');
}
