import { RingError } from '../errors.js';

/**
 * A package that only one kind of file needs, and that users of it install themselves.
 *
 * @param what - what it reads, in the plural
 * @throws {RingError} `RING_UNSUPPORTED` with the command that installs it
 */
export async function optionalPackage<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code } = error as { code?: unknown };
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const reason = missing ? '' : ` (${name} does not load: ${error instanceof Error ? error.message : String(error)})`;
    throw new RingError('RING_UNSUPPORTED', `to read ${what}, npm install ${name}${reason}`, { cause: error });
  }
}
