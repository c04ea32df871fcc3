import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, exists, freshFolderFor } from '../../lib/setup/cache.js';
import { runCommand } from '../../lib/setup/command.js';
import { withLock } from '../../lib/setup/lock.js';

const sparkVersion = '3.5.6';
const rayVersion = '2.60.0';
const fetchTimeoutMs = 240_000;

/** A Python that has pyspark, for TSRING_PYTHON; fetched once into the cache. Where it cannot be had: why. */
export async function pythonWithSpark(): Promise<{ python: string } | { missing: string }> {
  const java = await runCommand('java', ['-version'], { timeoutMs: 60_000 });
  if (java.status !== 0) return { missing: 'no Java' };
  return fetched(`pyspark-${sparkVersion}`, async (folder) => {
    // Used as it is packed: to make a wheel of it first takes longer than all that we run on it.
    await pip('download', '--no-deps', '--quiet', '-d', folder, `pyspark==${sparkVersion}`);
    const archive = join(
      folder,
      (await readdir(folder)).find((name) => name.endsWith('.tar.gz'))!,
    );
    await succeed('tar', ['xzf', archive, '-C', folder, '--strip-components', '1']);
    await rm(archive);
    await pip('install', '--quiet', '--no-deps', '--target', join(folder, 'site'), 'py4j==0.10.9.7');
    return (at) => ({ SPARK_HOME: join(at, 'deps'), PYTHONPATH: `${at}:${join(at, 'site')}` });
  });
}

/** The same with ray. */
export function pythonWithRay(): Promise<{ python: string } | { missing: string }> {
  return fetched(`ray-${rayVersion}`, async (folder) => {
    await pip('install', '--quiet', '--only-binary', ':all:', '--target', join(folder, 'site'), `ray==${rayVersion}`);
    return (at) => ({ PYTHONPATH: join(at, 'site') });
  });
}

/** @param fill - of an empty folder; returns the variables that Python needs once the folder is in its place */
async function fetched(
  name: string,
  fill: (folder: string) => Promise<(at: string) => Record<string, string>>,
): Promise<{ python: string } | { missing: string }> {
  const parent = join(cacheFolder(), 'clusters');
  const target = join(parent, name);
  const python = join(target, 'python');
  try {
    await mkdir(parent, { recursive: true });
    const work = async () => {
      if (await exists(target)) return;
      const folder = await freshFolderFor(name, parent);
      const variables = Object.entries((await fill(folder))(target));
      const lines = [
        '#!/bin/sh',
        ...variables.map(([key, value]) => `export ${key}='${value}'`),
        'exec python3 "$@"',
        '',
      ];
      await writeFile(join(folder, 'python'), lines.join('\n'));
      await chmod(join(folder, 'python'), 0o755);
      await rename(folder, target);
    };
    await withLock(`${target}.lock`, work, { timeoutMs: fetchTimeoutMs, onWait: () => undefined });
    return { python };
  } catch (error) {
    return { missing: `${name} cannot be fetched: ${(error as Error).message.trim().split('\n').at(-1)}` };
  }
}

function pip(...args: string[]): Promise<void> {
  return succeed('python3', ['-m', 'pip', ...args, '--disable-pip-version-check', '--no-input']);
}

async function succeed(program: string, args: readonly string[]): Promise<void> {
  const { status, stderr } = await runCommand(program, args, { timeoutMs: fetchTimeoutMs });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}
