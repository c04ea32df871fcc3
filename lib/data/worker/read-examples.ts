import { brokenData } from '../broken-data.js';
import type { Answer, Ask, Column, Columns, FeaturePlan } from '../tasks.js';
import { type DecodeImage, imageDecoder } from './decode-image.js';
import { exampleDecoder, type Feature } from './example.js';
import { fillBatch } from './fill-batch.js';
import { imageValues } from './image-values.js';
import { RecordFile } from './record-file.js';

export function indexRecords({ file, skip }: Ask<'indexRecords'>): Answer<'indexRecords'> {
  using records = new RecordFile(file);
  const skipped: string[] = [];
  const offsets = records.offsets((error) => {
    if (!skip) throw error;
    skipped.push(`${(error as Error).message}; what follows in this file cannot be found`);
  });
  return { offsets: Float64Array.from(offsets), skipped };
}

/** Records of `tf.train.Example`, for each feature a column. */
export async function readExamples({ features, places, seeds, skip }: Ask<'readExamples'>): Promise<Columns> {
  const decode = await exampleDecoder();
  const plans = Object.entries(features);
  const decodeImage = plans.some(([, { image }]) => image) ? await imageDecoder() : undefined;
  const keys = new Set(plans.map(([, { key }]) => key));
  const columns = plans.map(([name, plan]) => ({ name, plan, ...emptyColumn(plan, places.length) }));
  const files = new Map<string, RecordFile>();
  try {
    const skipped = fillBatch(
      places.length,
      skip,
      (place) => {
        const { file, offset, record } = places[place]!;
        if (!files.has(file)) files.set(file, new RecordFile(file));
        const records = files.get(file)!;
        const where = records.where(offset, record);
        const example = decode(records.read(offset, record), keys, where);
        for (const { plan, values, size } of columns) {
          const out = values.subarray(place * size, (place + 1) * size);
          setFeature(example.get(plan.key), plan, out, { where, seed: seeds[place]!, decodeImage });
        }
      },
      (from, to) => {
        for (const { values, size } of columns) values.copyWithin(to * size, from * size, (from + 1) * size);
      },
    );
    return {
      columns: Object.fromEntries(columns.map(({ name, values, shape }) => [name, { values, shape }])),
      skipped,
    };
  } finally {
    for (const file of files.values()) file[Symbol.dispose]();
  }
}

function emptyColumn({ image, shape, dtype }: FeaturePlan, count: number): Column & { size: number } {
  const each = image ? [image.height, image.width, image.channels] : shape;
  const size = each.reduce((product, length) => product * length, 1);
  const values = dtype === 'int32' ? new Int32Array(count * size) : new Float32Array(count * size);
  return { values, shape: [count, ...each], size };
}

interface Context {
  readonly where: string;
  readonly seed: number;
  readonly decodeImage: DecodeImage | undefined;
}

function setFeature(feature: Feature | undefined, plan: FeaturePlan, out: Column['values'], context: Context): void {
  const where = `${context.where}, feature ${JSON.stringify(plan.key)}`;
  if (feature === undefined || feature.length === 0) {
    if (plan.missing === undefined) throw brokenData(where, 'it is missing');
    out.fill(plan.missing);
    return;
  }
  const [first] = feature;
  if (plan.image) {
    if (!(first instanceof Uint8Array) || feature.length !== 1)
      throw brokenData(where, 'it is no single list of bytes, which an image is');
    imageValues(context.decodeImage!(first, where), plan.image, context.seed, out as Float32Array);
    return;
  }
  if (first instanceof Uint8Array) throw brokenData(where, 'it holds bytes, which only an image can be read from');
  if (feature.length !== out.length)
    throw brokenData(
      where,
      `it has ${feature.length} numbers, and shape [${plan.shape.join(', ')}] takes ${out.length}`,
    );
  out.set(feature as readonly number[]);
}
