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

/** The order in an epoch: that of the numbers themselves, or another for each epoch and seed. */
export function epochOrder(count: number, order: { shuffle: boolean; seed: number; epoch: number }): number[] {
  return order.shuffle ? shuffled(count, epochSeed(order)) : [...Array(count).keys()];
}

export function epochSeed({ seed, epoch }: { seed: number; epoch: number }): number {
  return Math.imul(seed, 0x9e3779b1) + epoch;
}

/** Numbers from 0 up to 1, by the generator mulberry32: 32 bits of state, which is plenty for an order of examples. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
