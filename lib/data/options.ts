import { availableParallelism, cpus } from 'node:os';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { invalid } from '../arguments.js';
import { activeSession } from '../active-session.js';
import { ProcessSet } from '../process-set.js';

/** What all readers take. */
export interface DataOptions {
  /** Records in a batch, on each rank. */
  batchSize: number;
  /** A new order in each epoch, the same on all ranks; true unless given. */
  shuffle?: boolean;
  /** Of the order, and of random crops and flips; the same on all ranks. 0 unless given. */
  seed?: number;
  /** Share out the rest as well: some ranks then have one record more, and `join` the others at the end. False unless given. */
  uneven?: boolean;
  /** Also give the last batch, where records do not fill it; true unless given. */
  smallLastBatch?: boolean;
  /** `'skip'`: in place of a broken record another of its batch comes, one line says so, and the dataset's `skipped` counts. `'throw'` unless given. */
  onError?: 'throw' | 'skip';
  /** Threads that read; one for each core of the host that the rank may call its own, less one for the rank itself, 1 to 4, unless given. */
  workers?: number;
  /** Batches that are read ahead; two for each thread unless given. */
  prefetch?: number;
  /** How long a batch is waited for while nothing is read at all, in milliseconds; 60,000 unless given. */
  timeoutMs?: number;
  /** The ranks that share the data; all of the job's unless given. */
  processSet?: ProcessSet;
}

/** Of readers of several files. */
export interface FileOptions {
  /**
   * `'records'`, the default: each rank has its share of all records, and looks into all files. `'files'`: each has its share of files, of
   * which there must be as many as ranks at least, and reads no others; all then take as many records as the rank with fewest, or with `uneven` what they have.
   */
  shardBy?: 'records' | 'files';
}

/** How pictures become tensors. */
export interface ImageOptions {
  /** Height and width, or one number for both. */
  imageSize: number | readonly [height: number, width: number];
  /** The part of a picture that is resized: the largest in the middle (default), a random one as in Inception's training, or all of it. */
  crop?: 'center' | 'random' | 'none';
  /** Mirrors half of the pictures; false unless given. */
  flip?: boolean;
  /** 3, colours, unless given. */
  channels?: 1 | 3;
  /** Values become (value - mean) / std, of values 0 to 1, with a number for all channels or one for each. Without it they are 0 to 255. */
  normalize?: { mean: number | readonly number[]; std: number | readonly number[] };
}

/** Batches as they are; or what `map` makes of them, within a tidy. */
export interface MapOptions<T extends tf.TensorContainer, U extends tf.TensorContainer> {
  map?: (batch: T) => U;
}

/** Options of all readers, filled in. */
export interface DataPlan {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly uneven: boolean;
  readonly smallLastBatch: boolean;
  readonly skip: boolean;
  readonly workers: number;
  readonly prefetch: number;
  readonly timeoutMs: number;
  readonly processSet: ProcessSet | undefined;
}

const count = z.int().min(1);
export const dataShape = {
  batchSize: count,
  shuffle: z.boolean().optional(),
  seed: z.int().optional(),
  uneven: z.boolean().optional(),
  smallLastBatch: z.boolean().optional(),
  onError: z.enum(['throw', 'skip']).optional(),
  workers: count.optional(),
  prefetch: count.optional(),
  timeoutMs: count.max(2 ** 31 - 1).optional(),
  processSet: z.instanceof(ProcessSet).optional(),
  map: z.function().optional(),
};
export const fileShape = { shardBy: z.enum(['records', 'files']).optional() };

const perChannel = z.union([z.number(), z.array(z.number())]);
export const imageShape = {
  imageSize: z.union([count, z.tuple([count, count])]),
  crop: z.enum(['center', 'random', 'none']).optional(),
  flip: z.boolean().optional(),
  channels: z.union([z.literal(1), z.literal(3)]).optional(),
  normalize: z.strictObject({ mean: perChannel, std: perChannel }).optional(),
};

/** @throws {RingError} `RING_INVALID_ARGUMENT`, naming the option */
export function checkOptions(where: string, shape: z.ZodRawShape, options: unknown): void {
  const { error } = z.strictObject(shape).safeParse(options);
  if (error === undefined) return;
  const { path, message } = error.issues[0]!;
  throw invalid(where, path.length === 0 ? message : `option ${path.join('.')}: ${message}`);
}

export function dataPlan(options: DataOptions): DataPlan {
  const workers = options.workers ?? Math.min(4, Math.max(1, ownCores() - 1));
  return {
    batchSize: options.batchSize,
    shuffle: options.shuffle ?? true,
    seed: options.seed ?? 0,
    uneven: options.uneven ?? false,
    smallLastBatch: options.smallLastBatch ?? true,
    skip: options.onError === 'skip',
    workers,
    prefetch: options.prefetch ?? 2 * workers,
    timeoutMs: options.timeoutMs ?? 60_000,
    processSet: options.processSet,
  };
}

/** Those that the rank is bound to, or else its share of the host's. */
function ownCores(): number {
  const usable = availableParallelism();
  return usable < cpus().length ? usable : Math.floor(usable / activeSession().config.localSize);
}
