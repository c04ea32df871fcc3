import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

type Tf = typeof import('@tensorflow/tfjs');

/** TensorFlow.js with a backend: `tensorflow` is tfjs-node, which is optional; throws what its module throws. */
export async function openBackend(name: string): Promise<Tf> {
  const require = createRequire(import.meta.url);
  if (name === 'tensorflow') return require('@tensorflow/tfjs-node') as Tf;
  const tf = await import('@tensorflow/tfjs');
  if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend(name);
  return tf;
}

/** For a `before` hook: skips its tests, with the reason, where tfjs-node is not set up. */
export function skipWithoutTensorflow(context: Mocha.Context): void {
  // In a process of its own: once loaded, tfjs-node is the backend of all tests that follow.
  const { status, stderr } = spawnSync(process.execPath, ['-e', "require('@tensorflow/tfjs-node')"], {
    encoding: 'utf8',
  });
  if (status === 0) return;
  const reason = /^\w*Error: .*$/m.exec(stderr)?.[0] ?? stderr.trim();
  console.log(`      skipped, as tfjs-node does not load here (npm run setup:tensorflow): ${reason}`);
  context.skip();
}
