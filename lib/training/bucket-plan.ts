export interface BucketSizes {
  /** Of the first bucket: small, so that communication starts soon after backward does. */
  readonly firstBucketBytes: number;
  /** Of all others: large enough to be worth an operation of its own. */
  readonly bucketBytes: number;
}

/** Of a bucket, where nobody says otherwise. */
export const mostBucketBytes = 25 << 20;

/**
 * The size of buckets where nobody says otherwise. What moves through shared memory moves fastest in large ones. Over a network gradients take a good
 * part of backward to move, so there a bucket is at most a sixteenth of them: none waits long for its last gradient, and little is left after backward.
 *
 * @param bytes - of each gradient
 */
export function usualBucketBytes(bytes: readonly number[], acrossHosts: boolean): number {
  if (!acrossHosts) return mostBucketBytes;
  const total = bytes.reduce((sum, size) => sum + size, 0);
  return Math.min(mostBucketBytes, Math.max(1 << 20, total / 16));
}

/**
 * Cuts gradients into buckets, which are reduced as one operation each, in the order in which backward gives the gradients.
 * Depends on its arguments alone, so it is the same on every rank.
 *
 * A gradient larger than a bucket is one of its own: it is there at once, and no weight changes before all gradients are reduced.
 *
 * @param bytes - of each gradient, by index
 * @param order - every index once, that of the gradient that is expected first at first
 * @returns the indices in each bucket
 */
export function planBuckets(bytes: readonly number[], order: readonly number[], sizes: BucketSizes): number[][] {
  const buckets: number[][] = [];
  let room = 0;
  for (const index of order) {
    const size = bytes[index]!;
    if (buckets.length === 0 || size > room) {
      room = buckets.length === 0 ? sizes.firstBucketBytes : sizes.bucketBytes;
      buckets.push([]);
    }
    buckets.at(-1)!.push(index);
    room -= size;
  }
  return buckets;
}

/** `count` runs of the order, of nearly equal length, none of them empty. */
export function planGroups(order: readonly number[], count: number): number[][] {
  const groups = Math.min(count, order.length);
  const start = (group: number) => Math.floor((group * order.length) / groups);
  return Array.from({ length: groups }, (_, group) => order.slice(start(group), start(group + 1)));
}

/**
 * The groups given, by variable names, and after them buckets of all that is in none of them. Groups come in the order in which
 * they are expected to be complete.
 */
export function planNamed(
  names: readonly string[],
  bytes: readonly number[],
  order: readonly number[],
  groups: readonly (readonly string[])[],
  sizes: BucketSizes,
): number[][] {
  const groupOf = new Map(groups.flatMap((group, index) => group.map((name) => [name, index])));
  const planned = new Map<number, number[]>();
  for (const index of [...order].reverse()) {
    const group = groupOf.get(names[index]!);
    if (group !== undefined) planned.set(group, [index, ...(planned.get(group) ?? [])]);
  }
  const others = order.filter((index) => !groupOf.has(names[index]!));
  return [...[...planned.values()].reverse(), ...planBuckets(bytes, others, sizes)];
}
