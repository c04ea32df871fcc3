import * as tf from '@tensorflow/tfjs-core';
import { invalid } from '../arguments.js';
import type { DataPlan } from './options.js';
import { batchCount, type EpochPlan, type Share, shareLength, type Source } from './source.js';
import type { Columns } from './tasks.js';
import type { WorkerPool } from './worker-pool.js';

/** What a dataset is made of. */
export interface DatasetParts<T extends tf.TensorContainer> {
  readonly where: string;
  readonly plan: DataPlan;
  readonly pool: WorkerPool;
  readonly source: Source;
  /** Looked up at each epoch, as a ring may be another one by then. */
  readonly share: () => Share;
  readonly map: ((batch: { [name: string]: tf.Tensor }) => T) | undefined;
  /** Of an image folder. */
  readonly classNames: readonly string[];
}

/**
 * This rank's share of data in files, in batches that threads read ahead. Goes into `fitDataset` and `evaluateDataset`, and into `for await`. Each run
 * through it is the next epoch; all ranks run through it equally often.
 */
export class RankDataset<T extends tf.TensorContainer> implements AsyncIterable<T> {
  /** Told to `ring.shard`, which is not for it. */
  readonly isShare = true;
  /** Names of the classes that labels are numbers of; empty where the data do not name any. */
  readonly classNames: readonly string[];
  /** Records that could not be read so far, and whose places others have taken. */
  skipped = 0;
  private epoch = 0;

  /** For `ring.data`'s functions. */
  constructor(private readonly parts: DatasetParts<T>) {
    this.classNames = parts.classNames;
    const { records } = parts.source;
    const { place } = parts.share();
    if (shareLength(records, parts.share()) === 0)
      throw invalid(parts.where, `${records} records do not go around ${place.size} ranks`);
  }

  /** Records of all ranks together; with `shardBy: 'files'` of this rank. */
  get records(): number {
    return this.parts.source.records;
  }

  /** Batches of this rank in an epoch. */
  get size(): number {
    return batchCount(shareLength(this.parts.source.records, this.parts.share()), this.parts.plan);
  }

  /** The epoch that comes next, from 0: for training that goes on from a checkpoint. */
  setEpoch(epoch: number): void {
    this.epoch = epoch;
  }

  /** One run through the data, as tfjs wants it. The epoch begins with the first batch that is asked for. */
  iterator(): Promise<BatchIterator<T>> {
    return Promise.resolve(this[Symbol.asyncIterator]());
  }

  [Symbol.asyncIterator](): BatchIterator<T> {
    const begin = () => {
      const { plan, source, share } = this.parts;
      const epoch: EpochPlan = { ...plan, share: share(), epoch: this.epoch++ };
      return source.batches(epoch);
    };
    return new BatchIterator(this.parts, begin, (messages) => this.tell(messages));
  }

  /** Ends the threads at once; they end by themselves some seconds after the last run, and with the process. */
  close(): void {
    this.parts.pool.close();
  }

  /** For `ring.data`'s functions: says the first, and counts all. */
  tell(messages: readonly string[]): void {
    if (messages.length === 0) return;
    if (this.skipped === 0)
      console.warn(
        `tsring: ${this.parts.where} leaves out ${messages[0]}; what else is broken is only counted, in skipped`,
      );
    this.skipped += messages.length;
  }
}

/** Batches of one epoch. The tensors of a batch belong to whoever asked for it. */
export class BatchIterator<T extends tf.TensorContainer> implements AsyncIterableIterator<T> {
  private batches: Iterator<Promise<Columns>> | undefined;
  private readonly ahead: Promise<Columns>[] = [];
  private leave: (() => void) | undefined;
  private over = false;
  private last: Promise<unknown> = Promise.resolve();

  /** For {@link RankDataset}. */
  constructor(
    private readonly parts: DatasetParts<T>,
    private readonly begin: () => Iterator<Promise<Columns>>,
    private readonly tell: (messages: readonly string[]) => void,
  ) {}

  /** `value` is null at the end, as tfjs has it. Calls that come before the last has ended wait for it. */
  next(): Promise<IteratorResult<T, null>> {
    const result = this.last.then(() => this.take());
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Ends the run early. Batches that were read ahead are dropped. */
  return(): Promise<IteratorResult<T, null>> {
    this.end();
    return Promise.resolve({ value: null, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private async take(): Promise<IteratorResult<T, null>> {
    if (this.over) return { value: null, done: true };
    try {
      this.readAhead();
      const next = this.ahead.shift();
      if (next === undefined) {
        this.end();
        return { value: null, done: true };
      }
      const { columns, skipped } = await this.parts.pool.wait(next);
      this.tell(skipped);
      this.readAhead();
      return { value: this.toTensors(columns), done: false };
    } catch (error) {
      this.end();
      throw error;
    }
  }

  private readAhead(): void {
    if (this.over) return;
    this.leave ??= this.parts.pool.enter();
    this.batches ??= this.begin();
    while (this.ahead.length < this.parts.plan.prefetch) {
      const next = this.batches.next();
      if (next.done === true) return;
      next.value.catch(() => undefined); // told when it is its turn
      this.ahead.push(next.value);
    }
  }

  private end(): void {
    this.over = true;
    this.ahead.length = 0;
    this.leave?.();
  }

  private toTensors(columns: Columns['columns']): T {
    const { map } = this.parts;
    return tf.tidy(() => {
      const tensors = Object.fromEntries(
        Object.entries(columns).map(([name, { values, shape }]) => [
          name,
          tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32'),
        ]),
      );
      return map === undefined ? (tensors as unknown as T) : map(tensors);
    });
  }
}
