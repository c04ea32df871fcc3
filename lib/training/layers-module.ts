import { createRequire } from 'node:module';
import { RingError } from '../errors.js';

export type Layers = typeof import('@tensorflow/tfjs-layers');

/**
 * The user's own tfjs-layers, which need not be there: who trains without layers models has no use for callbacks and layers.
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
