import { sessionOf } from '../../process-set.js';
import type { WithProcessSet } from '../within.js';
import { layersModule } from '../layers-module.js';
import { readLogs, type Callback, type Logs } from './base.js';

/** Has rank 0 print a line for each epoch: its number, its time, the loss and the metrics. Give `fit` verbose: 0 beside it. */
export function progress(write: (line: string) => void = console.log, options: WithProcessSet = {}): Callback {
  const { Callback: Base } = layersModule();
  class Progress extends Base {
    private started = 0;

    override onEpochBegin(): Promise<void> {
      this.started = performance.now();
      return Promise.resolve();
    }

    override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
      if (sessionOf('progress', options.processSet).config.rank !== 0) return;
      const seconds = ((performance.now() - this.started) / 1000).toFixed(1);
      const numbers = Object.entries(await readLogs(logs)).map(([key, value]) => `${key} ${value.toPrecision(4)}`);
      const epochs = Number((this.params as Record<string, unknown>)['epochs']);
      write(`epoch ${epoch + 1}/${epochs} (${seconds} s): ${numbers.join(', ')}`);
    }
  }
  return new Progress();
}
