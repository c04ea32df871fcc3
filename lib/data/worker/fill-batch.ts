import { isBrokenData } from '../broken-data.js';

/**
 * Reads the records of a batch into their places. With `skip` the place of one that is broken is taken by another of the batch: batches keep
 * their sizes, so that ranks go on making equally many steps.
 *
 * @param read - reads one record into its place
 * @param copy - copies a record that has been read to another place
 * @returns what is wrong with those that are broken
 * @throws {RingError} `RING_DATA`: a record is broken, or with `skip` all of them are
 */
export function fillBatch(
  count: number,
  skip: boolean,
  read: (place: number) => void,
  copy: (from: number, to: number) => void,
): string[] {
  const broken: { place: number; message: string }[] = [];
  let lastGood: number | undefined;
  let first: unknown;
  for (let place = 0; place < count; place++) {
    try {
      read(place);
      lastGood = place;
    } catch (error) {
      if (!skip || !isBrokenData(error)) throw error;
      first ??= error;
      broken.push({ place, message: error.message });
    }
  }
  if (lastGood === undefined && count > 0) throw first;
  for (const { place } of broken) copy(lastGood!, place);
  return broken.map(({ message }) => message);
}
