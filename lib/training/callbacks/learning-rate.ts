import { invalid } from '../../arguments.js';
import { sessionOf } from '../../process-set.js';
import { learningRateOf, setLearningRate } from '../learning-rate.js';
import { checkPositive } from '../reduce-settings.js';
import type { WithProcessSet } from '../within.js';
import { layersModule } from '../layers-module.js';
import type { Callback } from './base.js';

export interface WarmupOptions extends WithProcessSet {
  /** Epochs until the optimizer's own rate is reached; 5 unless given. */
  warmupEpochs?: number;
  /** Batches in an epoch of this rank; needed only where `fit` cannot know it (a dataset without a size). */
  stepsPerEpoch?: number;
}

/**
 * Raises the learning rate, batch by batch, from what one rank would use to the optimizer's own, which was multiplied by the number of
 * ranks. (Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017: large rates at the very start do harm.)
 */
export function learningRateWarmup(options: WarmupOptions = {}): Callback {
  const where = 'learningRateWarmup';
  const { warmupEpochs = 5, stepsPerEpoch, processSet } = options;
  checkPositive(where, 'warmupEpochs', warmupEpochs);
  if (stepsPerEpoch !== undefined) checkPositive(where, 'stepsPerEpoch', stepsPerEpoch);
  const { Callback: Base } = layersModule();
  class LearningRateWarmup extends Base {
    private epoch = 0;
    private target = 0;
    private done = false;

    override onTrainBegin(): Promise<void> {
      this.target = learningRateOf(where, this.model.optimizer);
      return Promise.resolve();
    }

    override onEpochBegin(epoch: number): Promise<void> {
      this.epoch = epoch;
      return Promise.resolve();
    }

    override onBatchBegin(batch: number): Promise<void> {
      if (this.done) return Promise.resolve();
      const progress = (this.epoch + batch / this.steps()) / warmupEpochs;
      const ranks = sessionOf(where, processSet).config.size;
      setLearningRate(this.model.optimizer, (this.target / ranks) * (1 + Math.min(1, progress) * (ranks - 1)));
      this.done = progress >= 1;
      return Promise.resolve();
    }

    private steps(): number {
      const { steps, samples, batchSize } = this.params as Record<string, unknown>;
      const known = stepsPerEpoch ?? steps ?? Math.ceil(Number(samples) / Number(batchSize));
      if (typeof known === 'number' && known > 0) return known;
      throw invalid(where, 'how many batches an epoch has is not known here; give stepsPerEpoch');
    }
  }
  return new LearningRateWarmup();
}

/**
 * Sets the learning rate at the start of each epoch.
 *
 * @param rateOf - is given the epoch, from 0, and the rate that the optimizer started with
 */
export function learningRateSchedule(rateOf: (epoch: number, initialRate: number) => number): Callback {
  const { Callback: Base } = layersModule();
  class LearningRateSchedule extends Base {
    private initial = 0;

    override onTrainBegin(): Promise<void> {
      this.initial = learningRateOf('learningRateSchedule', this.model.optimizer);
      return Promise.resolve();
    }

    override onEpochBegin(epoch: number): Promise<void> {
      setLearningRate(this.model.optimizer, rateOf(epoch, this.initial));
      return Promise.resolve();
    }
  }
  return new LearningRateSchedule();
}
