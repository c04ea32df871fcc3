/** The numbers 0 to count - 1 in an order that depends on the seed alone: the same on all ranks and machines. (Fisher and Yates.) */
export function shuffled(count: number, seed: number): number[] {
  const order = [...Array(count).keys()];
  const next = randomNumbers(seed);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(next() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Numbers from 0 up to 1, by the generator mulberry32: 32 bits of state, which is plenty for an order of examples. */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
