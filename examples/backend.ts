import { createRequire } from 'node:module';

/**
 * TensorFlow.js for the examples: tfjs-node where it is set up (`npm run setup:tensorflow`), and otherwise WebAssembly, which needs no
 * download and trains dense nets. A script of your own would have `import * as tf from '@tensorflow/tfjs-node'` in this place.
 */
export const tf = await load();

async function load(): Promise<typeof import('@tensorflow/tfjs')> {
  const require = createRequire(import.meta.url);
  const wanted = process.env['EXAMPLE_BACKEND'];
  if (wanted === undefined || wanted === 'tensorflow') {
    try {
      return require('@tensorflow/tfjs-node') as typeof import('@tensorflow/tfjs');
    } catch (error) {
      if (wanted === 'tensorflow') throw error;
    }
  }
  const plain = await import('@tensorflow/tfjs');
  await import('@tensorflow/tfjs-backend-wasm');
  await plain.setBackend(wanted ?? 'wasm');
  return plain;
}
