import type * as tf from '@tensorflow/tfjs-core';
import { sessionOf } from '../../process-set.js';
import type { DistributedOptimizerMethods } from '../distributed-optimizer.js';
import { layersModule } from '../layers-module.js';
import type { Callback, Logs } from './base.js';
import { agreedValue, isBetter, type MonitorOptions } from './monitor.js';

export interface BestCheckpointOptions extends MonitorOptions {
  /** Whether the optimizer's state is saved as well; false unless given. */
  includeOptimizer?: boolean;
}

/**
 * Has rank 0 save the model after each epoch that was the best so far, by the mean over all ranks.
 *
 * @param target - what `model.save` takes, such as `file:///checkpoints/best`; only rank 0 uses it
 */
export function bestCheckpoint(target: string | tf.io.IOHandler, options: BestCheckpointOptions = {}): Callback {
  const { Callback: Base } = layersModule();
  class BestCheckpoint extends Base {
    private best: number | undefined;

    override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
      const value = await agreedValue('bestCheckpoint', logs, options);
      if (Number.isNaN(value) || (this.best !== undefined && !isBetter(value, this.best, options))) return;
      this.best = value;
      const { config, ranks } = sessionOf('bestCheckpoint', options.processSet);
      const { optimizer } = this.model as { optimizer: Partial<DistributedOptimizerMethods> };
      if (options.includeOptimizer) await optimizer.consolidateState?.(ranks[0]);
      if (config.rank === 0) await this.model.save(target, { includeOptimizer: options.includeOptimizer === true });
    }
  }
  return new BestCheckpoint();
}
