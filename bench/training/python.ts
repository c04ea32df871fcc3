import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { horovodBuild } from '../peers/horovod.js';
import { peersFolder } from '../peers/parts.js';

const installTimeoutMs = 3_600_000;
const run = promisify(execFile);

/**
 * A Python with TensorFlow's CPU wheel and Horovod built for it. Where it is not there and `install` is set, it is made in the cache
 * folder: a download of hundreds of megabytes, and a build of minutes that wants g++, cmake and Open MPI's headers.
 *
 * @throws why it cannot be had
 */
export async function preparePython(tensorflow: string, install: boolean): Promise<string> {
  const folder = path.join(peersFolder, `tensorflow-${tensorflow}`);
  const python = path.join(folder, 'bin', 'python');
  if (!existsSync(python)) {
    if (!install) throw new Error(`no TensorFlow ${tensorflow} with Horovod in ${folder}; --install makes it`);
    console.error(`# installing TensorFlow ${tensorflow} and building Horovod for it, which takes minutes`);
    await installInto(folder, python, tensorflow);
  }
  await run(python, ['-c', 'import horovod.tensorflow'], { env: quiet(), timeout: 120_000 });
  return python;
}

/** Virtual environments cannot be moved, so a failure removes it. */
async function installInto(folder: string, python: string, tensorflow: string): Promise<void> {
  const horovod = horovodBuild('TENSORFLOW');
  const PATH = `${path.dirname(python)}${path.delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, ...horovod.env, PATH };
  const pip = (...args: string[]) =>
    run(python, ['-m', 'pip', 'install', '-q', ...args], { env, timeout: installTimeoutMs, maxBuffer: 1 << 26 });
  try {
    await run('python3', ['-m', 'venv', folder], { timeout: installTimeoutMs });
    // Horovod's setup and this TensorFlow both want pkg_resources, which later setuptools have not.
    const wanted = ['setuptools<81', 'wheel', 'psutil', 'pyyaml', 'cloudpickle', 'packaging', 'cffi'];
    await pip(`tensorflow-cpu==${tensorflow}`, ...wanted);
    await pip(...horovod.pip);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function quiet(): NodeJS.ProcessEnv {
  return { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
}
