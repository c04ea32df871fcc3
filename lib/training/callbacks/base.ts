import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { RingError } from '../../errors.js';

type Layers = typeof import('@tensorflow/tfjs-layers');
export type Callback = import('@tensorflow/tfjs-layers').Callback;
export type EarlyStopping = import('@tensorflow/tfjs-layers').EarlyStopping;

/** What fit tells of an epoch or batch: numbers, or scalars that nobody has read yet. */
export type Logs = Record<string, number | tf.Scalar>;

/**
 * The user's own tfjs-layers, which need not be there: only who trains with `model.fit` has a use for callbacks.
 *
 * @throws {RingError} `RING_UNSUPPORTED`
 */
export function layersModule(): Layers {
  try {
    return createRequire(import.meta.url)('@tensorflow/tfjs-layers') as Layers;
  } catch (error) {
    throw new RingError(
      'RING_UNSUPPORTED',
      'callbacks and layers need @tensorflow/tfjs-layers; install it, or @tensorflow/tfjs, which brings it',
      { cause: error },
    );
  }
}

/** Reads scalars, in place, as tfjs's own callbacks do: those that follow find numbers. */
export async function readLogs(logs: Logs): Promise<Record<string, number>> {
  for (const [key, value] of Object.entries(logs)) {
    if (typeof value === 'number') continue;
    logs[key] = (await value.data())[0]!;
    value.dispose();
  }
  return logs as Record<string, number>;
}
