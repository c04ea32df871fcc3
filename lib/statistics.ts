/** Middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The median over rounds, and the least and the most of them. */
export interface Spread {
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly rounds: number;
}

export function spreadOf(rounds: readonly number[]): Spread {
  return { value: median(rounds), least: Math.min(...rounds), most: Math.max(...rounds), rounds: rounds.length };
}
