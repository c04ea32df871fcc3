import { invalid, show } from '../../arguments.js';
import { allreduce } from '../../collectives.js';
import { within, type WithProcessSet } from '../within.js';
import { readLogs, type Logs } from './base.js';

/** Which number of the logs is to become better, and which way that is. */
export interface MonitorOptions extends WithProcessSet {
  /** 'val_loss' unless given. */
  monitor?: string;
  /** 'auto' unless given: 'max' for an accuracy, 'min' for all else. */
  mode?: 'auto' | 'min' | 'max';
}

/** The monitored number's mean over all ranks: equal on all of them, so that they decide alike. */
export async function agreedValue(where: string, logs: Logs, options: MonitorOptions): Promise<number> {
  const { monitor = 'val_loss' } = options;
  const value = (await readLogs(logs))[monitor];
  if (value === undefined)
    throw invalid(where, `the logs have no ${show(monitor)}; they have ${Object.keys(logs).join(', ')}`);
  return (await allreduce(Float64Array.of(value), within(options)))[0]!;
}

export function isBetter(
  value: number,
  best: number,
  { monitor = 'val_loss', mode = 'auto' }: MonitorOptions,
): boolean {
  const upwards = mode === 'max' || (mode === 'auto' && monitor.includes('acc'));
  return upwards ? value > best : value < best;
}
