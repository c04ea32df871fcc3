import { invalid, show } from '../arguments.js';
import { sessionOf, type ProcessSet } from '../process-set.js';
import { epochOrder } from './shuffle.js';

export interface DistributedSamplerOptions {
  /** A new order in each epoch, the same on all ranks; true unless given. */
  shuffle?: boolean;
  /** Of the order; the same on all ranks. 0 unless given. */
  seed?: number;
  /** Leave out what does not go into equal shares, and not repeat the first examples; false unless given. */
  dropLast?: boolean;
  /** The ranks that share the examples; all of the job's unless given. */
  processSet?: ProcessSet;
}

/**
 * Which of `count` examples this rank takes in an epoch. Shares are equally large, and all together hold every example (or, with
 * `dropLast`, none twice). Call `setEpoch` before each epoch, or its order is that of the last.
 */
export class DistributedSampler implements Iterable<number> {
  /** Examples that each rank takes in an epoch. */
  readonly length: number;
  private epoch = 0;

  constructor(
    private readonly count: number,
    private readonly options: DistributedSamplerOptions = {},
  ) {
    if (!Number.isInteger(count) || count < 0)
      throw invalid('DistributedSampler', `count is ${show(count)}; a whole number of examples`);
    const { size } = this.place();
    this.length = options.dropLast ? Math.floor(count / size) : Math.ceil(count / size);
  }

  setEpoch(epoch: number): void {
    this.epoch = epoch;
  }

  /** Indices of this rank's examples, in the order in which to take them. */
  *[Symbol.iterator](): Generator<number> {
    const { shuffle = true, seed = 0 } = this.options;
    const order = epochOrder(this.count, { shuffle, seed, epoch: this.epoch });
    const { rank, size } = this.place();
    for (let turn = 0; turn < this.length; turn++) yield order[(turn * size + rank) % this.count]!;
  }

  private place(): { rank: number; size: number } {
    return sessionOf('DistributedSampler', this.options.processSet).config;
  }
}
