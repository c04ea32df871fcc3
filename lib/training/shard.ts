import * as tf from '@tensorflow/tfjs-core';
import { invalid, isTensor, show } from '../arguments.js';
import { sessionOf, type ProcessSet } from '../process-set.js';
import { isDataset, shardDataset, type DatasetLike } from './shard-dataset.js';
import { shuffled } from './shuffle.js';

export interface ShardOptions {
  /** Arrays only: shuffles by this number before sharing out, the same way on all ranks. Give another one for each epoch. */
  seed?: number;
  /** Share out the rest as well: some ranks then have one element more. */
  uneven?: boolean;
  /** The ranks that share the data; all of the job's unless given. */
  processSet?: ProcessSet;
}

/**
 * This rank's share of data that all ranks have: of an array (of examples, or of files) every size-th element, of a tensor a run of its rows, of
 * a `tf.data.Dataset` every size-th element as they come. Shares are equally large, as ranks that train together make equally many steps; the
 * rest, fewer than there are ranks, is left out unless `uneven`.
 *
 * @returns a new array or tensor, or a dataset that reads the one given
 */
export function shard<T>(data: readonly T[], options?: ShardOptions): T[];
export function shard<T extends tf.Tensor>(data: T, options?: ShardOptions): T;
export function shard<T extends DatasetLike>(data: T, options?: ShardOptions): T;
export function shard(data: unknown, options: ShardOptions = {}): unknown {
  const { seed, uneven = false } = options;
  const { rank, size } = sessionOf('shard', options.processSet).config;
  if (Array.isArray(data)) return shardArray(data as unknown[], seed, uneven, rank, size);
  if (seed !== undefined)
    throw invalid('shard', 'seed is for arrays; shuffle a dataset or a tensor before it is shared out');
  if (isTensor(data)) return shardRows(data, uneven, rank, size);
  if (isDataset(data) && data.isShare === true)
    throw invalid('shard', "this dataset is the rank's share already; use it as it is");
  if (isDataset(data)) return shardDataset(data, rank, size, uneven);
  throw invalid('shard', `data is ${show(data)}; an array, a tensor or a dataset`);
}

function shardArray(
  data: readonly unknown[],
  seed: number | undefined,
  uneven: boolean,
  rank: number,
  size: number,
): unknown[] {
  const order = seed === undefined ? [...data.keys()] : shuffled(data.length, seed);
  const end = uneven ? data.length : data.length - (data.length % size);
  return order
    .slice(0, end)
    .filter((_, turn) => turn % size === rank)
    .map((index) => data[index]);
}

function shardRows(data: tf.Tensor, uneven: boolean, rank: number, size: number): tf.Tensor {
  if (data.rank === 0) throw invalid('shard', 'a scalar has no rows to share out');
  const rows = data.shape[0];
  const each = Math.floor(rows / size);
  const rest = uneven ? rows % size : 0;
  const start = rank * each + Math.min(rank, rest);
  return tf.slice(data, [start], [each + (rank < rest ? 1 : 0)]);
}
