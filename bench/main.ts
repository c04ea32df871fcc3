import { RingError } from '../lib/errors.js';
import * as ring from '../lib/index.js';
import { readConfig } from '../lib/config.js';
import type { Parsed } from './command-line.js';

/** Something a user can mend, told in one line and not with a stack trace. Thrown alike on all ranks. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Runs a benchmark as one of the job's ranks: joins the ring, runs `body`, leaves. Help and errors that all ranks meet alike are
 * printed by rank 0 alone, and only then does any rank exit: the launcher ends all of them as soon as one fails.
 */
export async function runBenchmark<T>(parsed: Parsed<T>, body: (options: T) => Promise<void>): Promise<void> {
  try {
    if (parsed.exit) {
      await refuse(parsed.exit.code, parsed.exit.text);
      return;
    }
    await ring.init();
    await body(parsed.options);
    await ring.shutdown();
  } catch (error) {
    if (error instanceof UsageError) {
      await refuse(1, `error: ${error.message}`);
    } else if (error instanceof RingError) {
      console.error(`${error.code}: ${error.message}`);
      process.exitCode = 1;
      await ring.shutdown().catch(() => undefined); // what failed has been told already
    } else {
      throw error;
    }
  }
}

async function refuse(code: number, text: string): Promise<void> {
  process.exitCode = code;
  const { rank, size } = readConfig();
  if (rank === 0) (code === 0 ? console.log : console.error)(text);
  if (size === 1) return;
  if (!ring.isInitialized()) await ring.init();
  await ring.barrier({ name: 'refuse' });
  await ring.shutdown();
}
