import { allreduce } from '../../collectives.js';
import { layersModule } from '../layers-module.js';
import { readLogs, type Callback, type Logs } from './base.js';
import { within, type WithProcessSet } from '../within.js';

/**
 * Replaces the loss and the metrics of each epoch, validation's too, by their means over all ranks: for the history that `fit` returns and for
 * the callbacks that follow. Ranks count alike, whatever the sizes of their shares. Place it first.
 */
export function averageMetrics(options: WithProcessSet = {}): Callback {
  const { Callback: Base } = layersModule();
  class AverageMetrics extends Base {
    override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
      const numbers = await readLogs(logs);
      const keys = Object.keys(numbers).sort();
      if (keys.length === 0) return;
      const means = await allreduce(Float64Array.from(keys.map((key) => numbers[key]!)), within(options));
      keys.forEach((key, index) => (numbers[key] = means[index]!));
    }
  }
  return new AverageMetrics();
}
