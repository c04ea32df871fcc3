import { ownRange, type Place } from '../training/own-shard.js';
import type { Columns } from './tasks.js';

/** What one rank reads in one epoch. */
export interface EpochPlan {
  readonly epoch: number;
  readonly shuffle: boolean;
  readonly seed: number;
  /** Records in a batch. */
  readonly batchSize: number;
  readonly smallLastBatch: boolean;
  readonly share: Share;
  /** Broken records are replaced. */
  readonly skip: boolean;
}

/** This rank's part of the records that it knows of. */
export interface Share {
  readonly place: Place;
  readonly uneven: boolean;
  /** Of the share, at most; where each rank has files of its own. */
  readonly most?: number;
}

/** Records in a known number, which can be read in batches. */
export interface Source {
  /** That this rank knows of: those of all ranks, or with `shardBy: 'files'` its own. */
  readonly records: number;
  /** The batches of a rank in an epoch, each begun when it is asked for. They end with the last whole one, or with a smaller one. */
  batches(plan: EpochPlan): Iterator<Promise<Columns>>;
}

/** How many records a share has. All have equally many, unless it is `uneven`. */
export function shareLength(records: number, share: Share): number {
  return Math.min(shareRange(records, share).length, share.most ?? Infinity);
}

/** A share that is a run of records. */
export function shareRange(records: number, { place, uneven }: Share): { begin: number; length: number } {
  return ownRange(uneven ? records : records - (records % place.size), place);
}

/** How many batches that makes. */
export function batchCount(
  length: number,
  { batchSize, smallLastBatch }: Pick<EpochPlan, 'batchSize' | 'smallLastBatch'>,
): number {
  return smallLastBatch ? Math.ceil(length / batchSize) : Math.floor(length / batchSize);
}
