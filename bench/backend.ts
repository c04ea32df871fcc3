import { createRequire } from 'node:module';
import type { Tf } from './models/net.js';

const require = createRequire(import.meta.url);

export interface Backend {
  readonly tf: Tf;
  readonly name: 'tensorflow' | 'wasm' | 'cpu';
  /** TensorFlow's own version; absent on the other backends. */
  readonly version?: string;
  readonly device: 'cpu' | 'gpu';
}

/** Loads tfjs with the backend asked for. @throws what loading it throws */
export async function openBackend(name: Backend['name']): Promise<Backend> {
  if (name === 'tensorflow') return openTensorflow();
  const tf = require('@tensorflow/tfjs') as Tf;
  tf.enableProdMode(); // keeps tfjs from advertising its node backend between the rows
  if (name === 'wasm') require('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.setBackend(name))) throw new Error(`tfjs could not start its ${name} backend`);
  return { tf, name, device: 'cpu' };
}

/** The tensorflow backend, or else wasm, or else cpu with the reason why not the first. */
export async function openBestBackend(): Promise<{ backend: Backend; whyNotTensorflow?: string }> {
  try {
    return { backend: openTensorflow() };
  } catch (error) {
    const whyNotTensorflow = firstLine(error);
    const backend = await openBackend('wasm').catch(() => openBackend('cpu'));
    return { backend, whyNotTensorflow };
  }
}

/** An error in one line, without the full stop, to be put into a longer one. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error))
    .trim()
    .split('\n')[0]!
    .replace(/[\s.]+$/, '');
}

function openTensorflow(): Backend {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // TensorFlow greets on stderr from every rank
  const tf = require('@tensorflow/tfjs-node') as Tf;
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as {
    binding: { TF_Version: string };
    isUsingGpuDevice: boolean;
  };
  return { tf, name: 'tensorflow', version: binding.TF_Version, device: isUsingGpuDevice ? 'gpu' : 'cpu' };
}
