import { createRequire } from 'node:module';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { tensorflowBackend } from '../accelerate/operations.js';
import { replaceSteps } from '../accelerate/optimizers.js';
import { RingError } from '../errors.js';
import type { Setting } from '../settings.js';

/**
 * Gives tfjs a backend to compute updates with.
 *
 * @returns why it is not tensorflow, where `auto` took another
 * @throws {RingError} `RING_CONFIG` where the backend that was asked for does not load
 */
export async function openServerBackend(asked: Setting<'serverBackend'>): Promise<string | undefined> {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // TensorFlow greets on stderr
  const whyNot = asked === 'cpu' ? undefined : loadFirst(['@tensorflow/tfjs-node']);
  if (whyNot !== undefined && asked === 'tensorflow') throw unloadable(asked, whyNot);
  tf.enableProdMode(); // keeps tfjs from advertising its node backend
  if (asked === 'cpu' || whyNot !== undefined) {
    const failure = loadFirst(['@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs']);
    if (failure !== undefined) throw unloadable('cpu', failure);
    await tf.setBackend('cpu');
  }
  await tf.ready();
  if (tensorflowBackend() !== undefined) replaceSteps(); // in one pass over the share
  return whyNot;
}

/** Loads the first of these modules that is there; or says why none is. We look beside tsring, and then where the job was started. */
function loadFirst(names: readonly string[]): string | undefined {
  let why: string | undefined;
  for (const name of names) {
    for (const from of [import.meta.url, path.join(process.cwd(), 'from-here.js')]) {
      try {
        createRequire(from)(name);
        return undefined;
      } catch (error) {
        why ??= (error instanceof Error ? error.message : String(error)).trim().split('\n')[0];
      }
    }
  }
  return why;
}

function unloadable(backend: string, why: string): RingError {
  return new RingError(
    'RING_CONFIG',
    `TSRING_SERVER_BACKEND is ${backend}, and tfjs's ${backend} backend does not load: ${why}`,
  );
}
