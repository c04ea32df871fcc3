/** Numbers evenly between 0 and 1, the same for the same seed (mulberry32, by Tommy Ettinger; public domain). */
export function evenNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Factors by which steps take longer or shorter than on average: log-normal, with mean 1, as times of the same work on many machines are
 * skewed to the long side.
 *
 * @param deviation - their standard deviation; 0: all are 1
 */
export function unevenness(deviation: number, seed: number): () => number {
  const even = evenNumbers(seed);
  const variance = Math.log(1 + deviation ** 2);
  const spread = Math.sqrt(variance);
  return () => {
    // Box and Muller, 1958.
    const normal = Math.sqrt(-2 * Math.log(1 - even())) * Math.cos(2 * Math.PI * even());
    return Math.exp(spread * normal - variance / 2);
  };
}
