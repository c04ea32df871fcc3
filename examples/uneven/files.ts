import { makeSpirals, type Points } from '../spirals.js';

/** What would be files of records, of very different sizes: 1000 points on two spirals. */
export const files: Points[] = [100, 300, 50, 400, 150].map((count, file, counts) => {
  const begin = counts.slice(0, file).reduce((sum, before) => sum + before, 0);
  const { points, labels } = makeSpirals(1000);
  return { points: points.slice(begin, begin + count), labels: labels.slice(begin, begin + count) };
});

/** The rows of some files, one file after the other, in batches. */
export function* batchesOf(chosen: readonly Points[], size: number): Generator<Points> {
  const [points, labels] = [chosen.flatMap((file) => file.points), chosen.flatMap((file) => file.labels)];
  for (let begin = 0; begin < points.length; begin += size)
    yield { points: points.slice(begin, begin + size), labels: labels.slice(begin, begin + size) };
}
