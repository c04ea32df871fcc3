import { layersModule } from '../layers-module.js';
import type { Callback, Logs } from './base.js';
import { agreedValue, isBetter, type MonitorOptions } from './monitor.js';

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs in a row without a better value after which training ends; 0 unless given: it ends with the first. */
  patience?: number;
  /** What counts as better is better by more than this; 0 unless given. */
  minDelta?: number;
}

/**
 * Ends training on all ranks after the same epoch, when the mean of the monitored number over all ranks has stopped to become better.
 * (`tf.callbacks.earlyStopping` decides by each rank's own number: ranks that end alone leave the others waiting.)
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const { patience = 0, minDelta = 0 } = options;
  const { Callback: Base } = layersModule();
  class AgreedEarlyStopping extends Base {
    private best: number | undefined;
    private worse = 0;

    override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
      const value = await agreedValue('earlyStopping', logs, options);
      const better =
        this.best === undefined || (isBetter(value, this.best, options) && Math.abs(value - this.best) > minDelta);
      if (better) this.best = value;
      this.worse = better ? 0 : this.worse + 1;
      if (this.worse > 0 && this.worse >= patience) this.model.stopTraining = true;
    }
  }
  return new AgreedEarlyStopping();
}
