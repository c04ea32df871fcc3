import * as tf from '@tensorflow/tfjs-core';

/** Backends that there is a bridge for, and how each is loaded. */
const loaders = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  tensorflow: () => import('@tensorflow/tfjs-node'),
};

export type BackendName = keyof typeof loaders;
export const backendNames = Object.keys(loaders) as BackendName[];

/** Makes tfjs use the backend until the function returned is called, or tells why it cannot. */
export async function useBackend(name: BackendName): Promise<(() => Promise<void>) | { reason: string }> {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  const before = tf.engine().backendName as string | undefined;
  try {
    await loaders[name]();
  } catch (error) {
    return { reason: (error as Error).message.split('\n')[0]! };
  }
  await tf.setBackend(name);
  await tf.ready();
  return async () => {
    await tf.setBackend(before ?? 'cpu');
  };
}
