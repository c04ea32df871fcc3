import type { NativeResult, NativeSession } from './binding.js';

/** What an operation gave. */
export interface Moved<V> {
  readonly values: readonly V[];
  /** Of an alltoall: how many rows came from each rank. */
  readonly splits?: readonly number[] | undefined;
}

/** An operation under way. Both ways to its end give the same result. */
export interface Started<T> {
  /** Whether it is done, well or not. */
  settled(): boolean;
  /** Blocks this thread until it is done. */
  wait(): T;
  promise(): Promise<T>;
}

/** An operation that the engine knows by a ticket. `finish` is called once, and has its result by `fetch`, which throws its failure. */
export function startedBy<T>(
  session: NativeSession,
  ticket: number,
  finish: (fetch: () => NativeResult) => T,
): Started<T> {
  let end: (() => T) | undefined;
  let promised: Promise<T> | undefined;
  const endWith = (fetch: () => NativeResult): T => {
    end ??= outcomeOf(() => finish(fetch));
    return end();
  };
  const engines = () =>
    session.promise(ticket).then(
      (result) => endWith(() => result),
      (error: unknown) => endWith(() => thrown(error)),
    );
  return {
    settled: () => end !== undefined || session.settled(ticket),
    wait: () => endWith(() => session.wait(ticket)),
    promise: () => (promised ??= end ? settledBy(end) : engines()),
  };
}

/** One that failed before the engine had it. */
export function neverStarted(error: unknown): Started<never> {
  return {
    settled: () => true,
    wait: () => thrown(error),
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever was thrown
    promise: () => Promise.reject(error),
  };
}

/** What `action` gives or throws, to be had any number of times. */
function outcomeOf<T>(action: () => T): () => T {
  try {
    const value = action();
    return () => value;
  } catch (error) {
    return () => thrown(error);
  }
}

async function settledBy<T>(end: () => T): Promise<T> {
  return Promise.resolve(end());
}

function thrown(error: unknown): never {
  throw error;
}
