import { mkdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runCommand } from './command.js';
import { reasonIn, SetupFailure } from './failure.js';
import { exists } from './cache.js';

/** The copy of tfjs-node that programs in one folder import. */
export interface TfjsNode {
  readonly folder: string;
  readonly version: string;
}

/** @throws {SetupFailure} not installed */
export async function findTfjsNode(from: string): Promise<TfjsNode> {
  let file: string;
  try {
    file = createRequire(join(from, 'x.js')).resolve('@tensorflow/tfjs-node/package.json');
  } catch {
    throw new SetupFailure(`no @tensorflow/tfjs-node here; run: npm install --ignore-scripts @tensorflow/tfjs-node`);
  }
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string };
  return { folder: await realpath(dirname(file)), version };
}

/** Where tfjs-node looks for its binding. */
export function bindingPath({ folder }: TfjsNode): string {
  return join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');
}

/**
 * Loads tfjs-node in a process of its own, as a wrong library can end it, and multiplies with it.
 *
 * @returns the version of TensorFlow that it runs on, or why it does not
 */
export async function tryTfjsNode({ folder }: TfjsNode): Promise<{ tensorflow: string } | { failure: string }> {
  const program = `
    const tf = require(${JSON.stringify(folder)});
    if (tf.getBackend() !== 'tensorflow') throw new Error('error: its backend is ' + tf.getBackend());
    const product = tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0];
    if (product !== 11) throw new Error('error: it multiplies wrongly');
    console.log('tensorflow=' + tf.backend().binding.TF_Version);`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
  const result = await runCommand(process.execPath, ['-e', program], { timeoutMs: 120_000, env });
  const version = /^tensorflow=(.+)$/m.exec(result.stdout)?.[1];
  if (result.status === 0 && version) return { tensorflow: version };
  return { failure: reasonIn(result.stderr) };
}

/**
 * Puts links where the binding's run path (`deps/lib` in tfjs-node's folder) finds the libraries, and beside it where
 * TensorFlow's own (`../nvidia`) finds NVIDIA's. Copying 800 MB into every node_modules would be the other way.
 */
export async function linkLibraries({ folder }: TfjsNode, libraries: string): Promise<void> {
  const deps = join(folder, 'deps');
  await mkdir(join(deps, 'lib'), { recursive: true });
  for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    await replaceLink(join(libraries, 'tensorflow', name), join(deps, 'lib', name));
  }
  const nvidia = join(libraries, 'nvidia');
  if (await exists(nvidia)) await replaceLink(nvidia, join(deps, 'nvidia'));
}

async function replaceLink(target: string, path: string): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, { force: true });
  await symlink(target, fresh);
  await rename(fresh, path);
}
