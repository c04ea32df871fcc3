import * as tf from '@tensorflow/tfjs-core';

export type Callback = import('@tensorflow/tfjs-layers').Callback;
export type EarlyStopping = import('@tensorflow/tfjs-layers').EarlyStopping;

/** What fit tells of an epoch or batch: numbers, or scalars that nobody has read yet. */
export type Logs = Record<string, number | tf.Scalar>;

/** Reads scalars, in place, as tfjs's own callbacks do: those that follow find numbers. */
export async function readLogs(logs: Logs): Promise<Record<string, number>> {
  for (const [key, value] of Object.entries(logs)) {
    if (typeof value === 'number') continue;
    logs[key] = (await value.data())[0]!;
    value.dispose();
  }
  return logs as Record<string, number>;
}
