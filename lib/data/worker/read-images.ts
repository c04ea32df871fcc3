import { readFileSync } from 'node:fs';
import { brokenData, reasonOf } from '../broken-data.js';
import type { Ask, Column, Columns } from '../tasks.js';
import { imageDecoder } from './decode-image.js';
import { fillBatch } from './fill-batch.js';
import { imageValues } from './image-values.js';

/** Pictures that are files, with their labels: `xs` [batch, height, width, channels], `ys` [batch] or [batch, classes]. */
export async function readImages({ image, files, labels, classes, seeds, skip }: Ask<'readImages'>): Promise<Columns> {
  const decode = await imageDecoder();
  const count = files.length;
  const size = image.height * image.width * image.channels;
  const values = new Float32Array(count * size);
  const own = [...labels];
  const skipped = fillBatch(
    count,
    skip,
    (place) => {
      const file = files[place]!;
      const out = values.subarray(place * size, (place + 1) * size);
      imageValues(decode(contentOf(file), file), image, seeds[place]!, out);
    },
    (from, to) => {
      values.copyWithin(to * size, from * size, (from + 1) * size);
      own[to] = own[from]!;
    },
  );
  const xs = { values, shape: [count, image.height, image.width, image.channels] };
  return { columns: { xs, ys: classes === 0 ? numbers(own) : oneHot(own, classes) }, skipped };
}

function numbers(labels: readonly number[]): Column {
  return { values: Float32Array.from(labels), shape: [labels.length] };
}

function oneHot(labels: readonly number[], classes: number): Column {
  const values = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) values[row * classes + label] = 1;
  return { values, shape: [labels.length, classes] };
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw brokenData(file, reasonOf(error), error);
  }
}
