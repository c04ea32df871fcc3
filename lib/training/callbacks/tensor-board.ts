import path from 'node:path';
import { sessionOf } from '../../process-set.js';
import type { WithProcessSet } from '../within.js';
import { layersModule } from '../layers-module.js';
import { readLogs, type Callback, type Logs } from './base.js';
import { EventFile } from './event-file.js';

/**
 * Has rank 0 write each epoch's loss and metrics for TensorBoard, in the folders `train` and `val` as `tf.node.tensorBoard` does, with any
 * backend. Place it after `averageMetrics`.
 */
export function tensorBoard(logFolder: string, options: WithProcessSet = {}): Callback {
  const { Callback: Base } = layersModule();
  class TensorBoard extends Base {
    private readonly files = new Map<string, EventFile>();

    override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
      if (sessionOf('tensorBoard', options.processSet).config.rank !== 0) return;
      const numbers = Object.entries(await readLogs(logs));
      const ofValidation = (key: string) => key.startsWith('val_');
      const training = numbers.filter(([key]) => !ofValidation(key)).map(([key, value]) => [`epoch_${key}`, value]);
      const validation = numbers
        .filter(([key]) => ofValidation(key))
        .map(([key, value]) => [`epoch_${key.slice('val_'.length)}`, value]);
      this.write('train', epoch, Object.fromEntries(training) as Record<string, number>);
      if (validation.length > 0) this.write('val', epoch, Object.fromEntries(validation) as Record<string, number>);
    }

    private write(folder: string, epoch: number, values: Record<string, number>): void {
      const file = this.files.get(folder) ?? new EventFile(path.join(logFolder, folder));
      this.files.set(folder, file);
      file.scalars(epoch, values);
    }
  }
  return new TensorBoard();
}
