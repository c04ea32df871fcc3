/** Repeatable numbers that every rank can compute for every rank. */
export class Numbers {
  constructor(private state: number) {}

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }

  /** Fisher and Yates. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let left = result.length; left > 1; left--) {
      const chosen = this.below(left);
      [result[left - 1], result[chosen]] = [result[chosen]!, result[left - 1]!];
    }
    return result;
  }
}
