import type { RingErrorCode } from '../errors.js';

// What the threads that read are asked for, and what they answer. All of it goes through structured cloning.

/** Of all records in a batch or in a part of a table, one after the other. */
export interface Column {
  readonly values: Float32Array | Int32Array;
  /** The first is the number of records. */
  readonly shape: readonly number[];
}

export interface Columns {
  readonly columns: Readonly<Record<string, Column>>;
  /** A message for each record that could not be read, and whose place another has taken. */
  readonly skipped: readonly string[];
}

/** How pictures become values; all of it checked and filled in. */
export interface ImagePlan {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly crop: 'center' | 'random' | 'none';
  readonly flip: boolean;
  /** A value is (byte - `shift`) * `factor`, one for each channel. */
  readonly shift: readonly number[];
  readonly factor: readonly number[];
}

/** A value of `tf.train.Example`. */
export interface FeaturePlan {
  readonly key: string;
  readonly image?: ImagePlan;
  /** Of one record, where it is no picture. */
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  /** Where a record lacks it; without it that is an error. */
  readonly missing?: number;
}

/** What the columns of a table become. */
export interface TablePlan {
  /** By their names in the batch, the names in the file. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  readonly categories: Readonly<Record<string, readonly string[]>>;
  /** In place of an empty cell; without it that is an error. */
  readonly missing?: number;
  readonly delimiter: string;
}

export interface RecordPlace {
  readonly file: string;
  /** From 0, in its file. */
  readonly record: number;
  /** Of its length field, in bytes. */
  readonly offset: number;
}

/** Rows of one file that are read together. */
export interface TablePart {
  readonly file: string;
  readonly format: 'parquet' | 'csv';
  readonly firstRow: number;
  readonly rows: number;
}

interface BatchTask {
  readonly skip: boolean;
  /** One a record, for random crops and flips. */
  readonly seeds: readonly number[];
}

/** By name, what is asked for and what is answered. */
export interface Tasks {
  checkImages: { ask: null; answer: null };
  checkExamples: { ask: null; answer: null };
  readImages: {
    ask: BatchTask & {
      readonly image: ImagePlan;
      readonly files: readonly string[];
      readonly labels: readonly number[];
      /** Labels become rows of so many, with one 1; 0: they stay numbers. */
      readonly classes: number;
    };
    answer: Columns;
  };
  /** Where each record of a TFRecord file begins. */
  indexRecords: {
    ask: { readonly file: string; readonly skip: boolean };
    answer: { readonly offsets: Float64Array; readonly skipped: readonly string[] };
  };
  readExamples: {
    ask: BatchTask & {
      readonly features: Readonly<Record<string, FeaturePlan>>;
      readonly places: readonly RecordPlace[];
    };
    answer: Columns;
  };
  indexTable: {
    ask: Pick<TablePart, 'file' | 'format'> & { readonly delimiter: string };
    answer: { readonly parts: readonly TablePart[]; readonly columns: readonly string[] };
  };
  readTable: { ask: { readonly part: TablePart; readonly plan: TablePlan; readonly skip: boolean }; answer: Columns };
}

export type TaskName = keyof Tasks;
export type Ask<N extends TaskName> = Tasks[N]['ask'];
export type Answer<N extends TaskName> = Tasks[N]['answer'];

export interface Request {
  readonly id: number;
  readonly name: TaskName;
  readonly ask: unknown;
}

export type Response =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly code: RingErrorCode; readonly message: string };
