import { neverStarted, type Started } from '../native/started.js';

/**
 * An operation under way: a promise of its result that can also be asked whether it is done, and waited for without the event loop.
 *
 *     const handle = ring.allreduce(gradient);
 *     ...                                          // other work
 *     const mean = await handle;                   // or handle.wait()
 *
 * However often and by whatever way it is asked, there is one result.
 */
export class Handle<T> extends Promise<T> {
  readonly #started: Started<T>;

  /** What `then` and its kin give is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(started: Started<T>) {
    super((resolve, reject) => void started.promise().then(resolve, reject));
    this.#started = started;
  }

  /** Whether the operation is done, well or not: then `wait` returns at once. */
  poll(): boolean {
    return this.#started.settled();
  }

  /** Blocks this thread until the operation is done. @throws what the promise rejects with */
  wait(): T {
    this.catch(() => undefined); // whoever waits is told here, and need not listen to the promise as well
    return this.#started.wait();
  }
}

/** The operation that `begin` begins, its result made by `finish`; one that has failed already where `begin` throws. */
export function handle<M, T>(begin: () => Started<M>, finish: (moved: M) => T): Handle<T> {
  let started: Started<M>;
  try {
    started = begin();
  } catch (error) {
    return new Handle<T>(neverStarted(error));
  }
  let end: { readonly value: T } | undefined;
  const once = (moved: M): T => (end ??= { value: finish(moved) }).value;
  return new Handle<T>({
    settled: () => started.settled(),
    wait: () => once(started.wait()),
    promise: async () => once(await started.promise()),
  });
}
