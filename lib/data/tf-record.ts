import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { invalid } from '../arguments.js';
import type { RankDataset } from './dataset.js';
import { listFiles, ownFiles } from './files.js';
import { imagePlan } from './image-plan.js';
import { openDataset } from './open.js';
import {
  checkOptions,
  type DataOptions,
  dataShape,
  type FileOptions,
  fileShape,
  type ImageOptions,
  imageShape,
  type MapOptions,
} from './options.js';
import { recordSource } from './record-source.js';
import type { FeaturePlan, RecordPlace } from './tasks.js';

/** One feature of the records: a picture, or numbers of a shape. */
export type FeatureOptions =
  | ({ key: string } & ImageOptions)
  | {
      key: string;
      /** Of one record; a single number, [], unless given. */
      shape?: readonly number[];
      /** `'float32'` unless given. Integers beyond 2^31 do not go into either without loss. */
      dtype?: 'float32' | 'int32';
      /** For records that lack it; that is an error unless given. */
      missing?: number;
    };

/** By the names of `features`, each [batch, ...shape], pictures [batch, height, width, channels]. */
export type ExampleBatch = { [name: string]: tf.Tensor };

export type TfRecordOptions<U extends tf.TensorContainer = ExampleBatch> = DataOptions &
  FileOptions &
  MapOptions<ExampleBatch, U> & {
    /** What a batch holds, by names of your own; `fitDataset` wants `xs` and `ys`. */
    features: Readonly<Record<string, FeatureOptions>>;
  };

const where = 'data.tfRecord';
const numbers = {
  shape: z.array(z.int().min(1)).optional(),
  dtype: z.enum(['float32', 'int32']).optional(),
  missing: z.number().optional(),
};
const feature = z.union([
  z.strictObject({ key: z.string(), ...imageShape }),
  z.strictObject({ key: z.string(), ...numbers }),
]);
const features = z
  .record(z.string(), feature)
  .refine((all) => Object.keys(all).length > 0, 'name at least one feature');

/**
 * Records of `tf.train.Example` in TFRecord files; checksums are checked. Files are looked through for where records begin when the dataset is
 * opened. Needs the package `@bufbuild/protobuf`, and for pictures `@napi-rs/image`.
 *
 * @param files - files, and folders of them
 * @throws {RingError} `RING_INVALID_ARGUMENT`; `RING_UNSUPPORTED`: a package is missing; `RING_DATA`: a file is broken, which batches throw for a
 *   broken record
 */
export async function tfRecord<U extends tf.TensorContainer = ExampleBatch>(
  files: string | readonly string[],
  options: TfRecordOptions<U>,
): Promise<RankDataset<U>> {
  checkOptions(where, { ...dataShape, ...fileShape, features }, options);
  const plans = Object.fromEntries(Object.entries(options.features).map(([name, each]) => [name, featurePlan(each)]));
  const byFile = options.shardBy === 'files';
  return openDataset<U>(where, options, byFile, async ({ pool, plan, place }) => {
    const all = listFiles(where, files);
    const own = byFile ? ownFiles(where, all, place) : all;
    await pool.run('checkExamples', null);
    if (Object.values(plans).some(({ image }) => image)) await pool.run('checkImages', null);
    const found = await Promise.all(own.map((file) => pool.run('indexRecords', { file, skip: plan.skip })));
    const index = new RecordIndex(own, found.map(({ offsets }) => offsets)); // prettier-ignore
    if (index.length === 0) throw invalid(where, `no records in ${own.length} files`);
    const source = recordSource(index.length, (records, seeds, skip) =>
      pool.run('readExamples', { features: plans, places: records.map((record) => index.place(record)), seeds, skip }),
    );
    return { source, skipped: found.flatMap(({ skipped }) => skipped) };
  });
}

function featurePlan(options: FeatureOptions): FeaturePlan {
  const { key } = options;
  if ('imageSize' in options)
    return { key, image: imagePlan(`${where}: feature ${JSON.stringify(key)}`, options), shape: [], dtype: 'float32' };
  const { shape = [], dtype = 'float32', missing } = options;
  return { key, shape, dtype, ...(missing === undefined ? {} : { missing }) };
}

/** Where the records of all files are, by one number each. */
class RecordIndex {
  readonly length: number;
  /** Of each file's first record. */
  private readonly firsts: number[] = [];

  constructor(
    private readonly files: readonly string[],
    private readonly offsets: readonly Float64Array[],
  ) {
    let length = 0;
    for (const each of offsets) {
      this.firsts.push(length);
      length += each.length;
    }
    this.length = length;
  }

  place(record: number): RecordPlace {
    let [low, high] = [0, this.firsts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.firsts[middle]! <= record) low = middle;
      else high = middle - 1;
    }
    const inFile = record - this.firsts[low]!;
    return { file: this.files[low]!, record: inFile, offset: this.offsets[low]![inFile]! };
  }
}
