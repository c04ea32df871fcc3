import type { RingError } from '../../lib/errors.js';

/** Hands a value to the test that started this script. */
export function report(value: unknown): void {
  console.log(`@result ${JSON.stringify(value)}`);
}

export interface Caught {
  readonly code: string;
  readonly message: string;
  /** When it was caught, in ms since the epoch. */
  readonly at: number;
}

/** The error of `action`, thrown or rejected; code `none` if there was none. */
export async function caught(action: () => unknown): Promise<Caught> {
  try {
    await action();
    return { code: 'none', message: '', at: Date.now() };
  } catch (error) {
    const code = isRingError(error) ? error.code : 'not a RingError';
    return { code, message: error instanceof Error ? error.message : String(error), at: Date.now() };
  }
}

/** By its name: there are two classes where a script runs what is compiled. */
function isRingError(error: unknown): error is RingError {
  return error instanceof Error && error.name === 'RingError';
}
