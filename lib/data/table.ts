import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { invalid } from '../arguments.js';
import { brokenData } from './broken-data.js';
import type { RankDataset } from './dataset.js';
import { listFiles, ownFiles } from './files.js';
import { openDataset } from './open.js';
import { checkOptions, type DataOptions, dataShape, type FileOptions, fileShape, type MapOptions } from './options.js';
import { tableSource } from './table-source.js';
import type { Answer, TablePart, TablePlan } from './tasks.js';

/** `xs` is [batch, numbers of its columns], `ys` likewise, both float32; without `ys` there is `xs` alone. */
export type TableBatch = { xs: tf.Tensor2D; ys: tf.Tensor2D };

export type TableOptions<U extends tf.TensorContainer = TableBatch> = DataOptions &
  FileOptions &
  MapOptions<TableBatch, U> & {
    /** Columns that are the model's input; all but those of `ys` unless given. */
    xs?: string | readonly string[];
    /** Columns that are to be learned. */
    ys?: string | readonly string[];
    /** For columns of texts: a text becomes its place in this list. */
    categories?: Readonly<Record<string, readonly string[]>>;
    /** In place of empty cells, which are an error unless it is given. */
    missing?: number;
  };
export type CsvOptions<U extends tf.TensorContainer = TableBatch> = TableOptions<U> & {
  /** Between cells; a comma unless given. */
  delimiter?: string;
};

const columnNames = z.union([z.string(), z.array(z.string()).min(1)]).optional();
const tableShape = {
  xs: columnNames,
  ys: columnNames,
  categories: z.record(z.string(), z.array(z.string())).optional(),
  missing: z.number().or(z.nan()).optional(),
};

/**
 * Rows of Parquet files, read a row group at a time; cells are numbers, dates (as milliseconds), or lists of numbers of one length. Needs the package
 * `hyparquet`, and for other compression than Snappy `hyparquet-compressors`.
 *
 * @param files - files, and folders of them, all with the same columns
 * @throws {RingError} `RING_INVALID_ARGUMENT`; `RING_UNSUPPORTED`: the package is missing; `RING_DATA`: a file is broken, or a batch's cell
 */
export async function parquet<U extends tf.TensorContainer = TableBatch>(
  files: string | readonly string[],
  options: TableOptions<U>,
): Promise<RankDataset<U>> {
  checkOptions('data.parquet', { ...dataShape, ...fileShape, ...tableShape }, options);
  return table('data.parquet', 'parquet', files, options);
}

/**
 * Rows of CSV files, whose first lines name the columns. A file is read as a whole, so large data are better cut into several, or are Parquet. Needs
 * the package `csv-parse`.
 *
 * @param files - files, and folders of them, all with the same columns
 * @throws {RingError} `RING_INVALID_ARGUMENT`; `RING_UNSUPPORTED`: the package is missing; `RING_DATA`: a file is broken, or a batch's cell
 */
export async function csv<U extends tf.TensorContainer = TableBatch>(
  files: string | readonly string[],
  options: CsvOptions<U>,
): Promise<RankDataset<U>> {
  checkOptions(
    'data.csv',
    { ...dataShape, ...fileShape, ...tableShape, delimiter: z.string().min(1).optional() },
    options,
  );
  return table('data.csv', 'csv', files, options);
}

function table<U extends tf.TensorContainer>(
  where: string,
  format: TablePart['format'],
  files: string | readonly string[],
  options: CsvOptions<U>,
): Promise<RankDataset<U>> {
  const { delimiter = ',' } = options;
  const byFile = options.shardBy === 'files';
  return openDataset<U>(where, options, byFile, async ({ pool, place }) => {
    const all = listFiles(where, files);
    const own = byFile ? ownFiles(where, all, place) : all;
    const indexes = await Promise.all(own.map((file) => pool.run('indexTable', { file, format, delimiter })));
    refuseOtherColumns(own, indexes);
    const plan = tablePlan(where, indexes[0]!.columns, options, delimiter);
    const parts = indexes.flatMap((index) => index.parts).filter(({ rows }) => rows > 0);
    return { source: tableSource(parts, (part, skip) => pool.run('readTable', { part, plan, skip })) };
  });
}

function refuseOtherColumns(files: readonly string[], indexes: readonly Answer<'indexTable'>[]): void {
  const first = indexes[0]!.columns.join(', ');
  for (const [i, { columns }] of indexes.entries())
    if (columns.join(', ') !== first)
      throw brokenData(files[i]!, `its columns are ${columns.join(', ')}; those of ${files[0]!} are ${first}`);
}

function tablePlan(
  where: string,
  known: readonly string[],
  options: Pick<TableOptions, 'xs' | 'ys' | 'categories' | 'missing'>,
  delimiter: string,
): TablePlan {
  const list = (names: string | readonly string[]) => (typeof names === 'string' ? [names] : names);
  const ys = list(options.ys ?? []);
  const xs = list(options.xs ?? known.filter((name) => !ys.includes(name)));
  for (const name of [...xs, ...ys, ...Object.keys(options.categories ?? {})])
    if (!known.includes(name)) throw invalid(where, `no column ${JSON.stringify(name)}; there are ${known.join(', ')}`);
  return {
    columns: { xs, ...(ys.length > 0 && { ys }) },
    categories: options.categories ?? {},
    ...(options.missing === undefined ? {} : { missing: options.missing }),
    delimiter,
  };
}
