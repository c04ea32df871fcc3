/** The store's keys, and those who wait for one. Values are set once or replaced; they last as long as the job. */
export class StoreTable {
  private readonly values = new Map<string, string>();
  private readonly waiters = new Map<string, Set<(value: string) => void>>();

  get(key: string): string | undefined {
    return this.values.get(key);
  }

  all(): Map<string, string> {
    return new Map(this.values);
  }

  set(key: string, value: string): void {
    this.values.set(key, value);
    const waiters = this.waiters.get(key);
    this.waiters.delete(key);
    for (const tell of waiters ?? []) tell(value);
  }

  /** Calls `tell` when the key is next set, once, unless the function it returns is called before that. */
  wait(key: string, tell: (value: string) => void): () => void {
    const waiters = this.waiters.get(key) ?? new Set();
    this.waiters.set(key, waiters.add(tell));
    return () => {
      waiters.delete(tell);
      if (waiters.size === 0 && this.waiters.get(key) === waiters) this.waiters.delete(key);
    };
  }
}
