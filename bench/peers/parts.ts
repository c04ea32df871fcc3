import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../lib/setup/cache.js';
import { horovodBuild, horovodVersion } from './horovod.js';

/** Something to install or compile, which one or several systems need. */
export type Part = 'tsring' | 'openmpi' | 'mpich' | 'gloo' | 'torch' | 'horovod';

/** A part that is ready: what to start, and which version it is. */
export interface Ready {
  readonly program: string;
  readonly version: string;
}

/** A part that cannot be had, and why, in one line. */
export interface Missing {
  readonly reason: string;
}

export const packageRoot = path.dirname(createRequire(import.meta.url).resolve('tsring/package.json'));
export const programsFolder = path.join(packageRoot, 'bench', 'peers', 'programs');
export const peersFolder = path.join(cacheFolder(), 'peers');

const compileTimeoutMs = 120_000;
const installTimeoutMs = 1_800_000;

/** Debian's packages; all of them are wanted at run time too. */
const packages: Record<Exclude<Part, 'tsring'>, readonly string[]> = {
  openmpi: ['g++', 'openmpi-bin', 'libopenmpi-dev'],
  mpich: ['g++', 'mpich', 'libmpich-dev'],
  gloo: ['g++', 'libgloo-dev'],
  torch: ['python3-torch', 'python3-numpy'],
  horovod: [
    ...['g++', 'make', 'cmake', 'openmpi-bin', 'libopenmpi-dev', 'libtorch-dev', 'pybind11-dev', 'python3-dev'],
    ...['python3-torch', 'python3-venv', 'python3-wheel', 'python3-setuptools', 'python3-cffi', 'python3-psutil'],
    ...['python3-cloudpickle', 'python3-yaml', 'python3-packaging'],
  ],
};

/**
 * Makes a part ready: compiles its program into the cache folder where that is older than its source, and looks whether it works.
 *
 * @param install - also install what is missing: Debian packages (as root), Horovod by pip, which compiles for minutes
 */
export async function prepare(part: Part, install: boolean): Promise<Ready | Missing> {
  try {
    if (install && part !== 'tsring') await installPackages(packages[part]);
    switch (part) {
      case 'tsring':
        return prepareTsring();
      case 'openmpi':
        return {
          program: await compile('mpi', 'mpicxx.openmpi', 'mpi-openmpi', []),
          version: versionIn(await output('mpirun.openmpi', ['--version'])),
        };
      case 'mpich':
        return {
          program: await compile('mpi', 'mpicxx.mpich', 'mpi-mpich', []),
          version: versionIn(await output('mpiexec.mpich', ['--version'])),
        };
      case 'gloo':
        return {
          program: await compile('gloo', 'g++', 'gloo', ['-lgloo', '-lpthread']),
          version: (await output('dpkg-query', ['-W', '-f=${Version}', 'libgloo-dev'])).trim(),
        };
      case 'torch':
        return await prepareTorch();
      case 'horovod':
        return await prepareHorovod(install);
    }
  } catch (error) {
    return { reason: firstLine(error) };
  }
}

function prepareTsring(): Ready {
  const program = path.join(packageRoot, 'dist', 'bench', 'collectives.js');
  if (!existsSync(program)) throw new Error('not built; npm run build builds it');
  const { version } = createRequire(import.meta.url)('tsring/package.json') as { version: string };
  return { program, version };
}

async function compile(
  source: string,
  compiler: string,
  target: string,
  libraries: readonly string[],
): Promise<string> {
  const program = path.join(peersFolder, target);
  const inputs = [path.join(programsFolder, `${source}.cc`), path.join(programsFolder, 'protocol.h')];
  if (existsSync(program) && inputs.every((file) => statSync(file).mtimeMs < statSync(program).mtimeMs)) return program;
  mkdirSync(peersFolder, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  await output(compiler, ['-O2', '-std=c++17', '-o', unfinished, inputs[0]!, ...libraries], compileTimeoutMs);
  renameSync(unfinished, program); // another run may be doing the same
  return program;
}

/** Debian's torch belongs to Debian's Python, which need not be the first one on the PATH. */
async function prepareTorch(): Promise<Ready> {
  const reasons: string[] = [];
  for (const program of ['/usr/bin/python3', 'python3']) {
    try {
      const version = await output(program, ['-c', 'import torch.distributed; print(torch.__version__)']);
      return { program, version: version.trim() };
    } catch (error) {
      reasons.push(firstLine(error));
    }
  }
  throw new Error(reasons[0]);
}

async function prepareHorovod(install: boolean): Promise<Ready> {
  const folder = path.join(peersFolder, `horovod-${horovodVersion}`);
  const program = path.join(folder, 'bin', 'python');
  if (!existsSync(program)) {
    if (!install) throw new Error('not installed');
    await installHorovod(folder);
  }
  return {
    program,
    version: (await output(program, ['-c', 'import horovod.torch; print(horovod.__version__)'])).trim(),
  };
}

/** Into a virtual environment that sees Debian's torch. Virtual environments cannot be moved, so a failure removes it. */
async function installHorovod(folder: string): Promise<void> {
  const { pip, env } = horovodBuild('PYTORCH');
  const install = ['-m', 'pip', 'install', ...pip];
  try {
    await output('/usr/bin/python3', ['-m', 'venv', '--system-site-packages', folder]);
    await output(path.join(folder, 'bin', 'python'), install, installTimeoutMs, { ...process.env, ...env });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function installPackages(names: readonly string[]): Promise<void> {
  const installed = await Promise.all(
    names.map((name) =>
      output('dpkg-query', ['-W', '-f=${db:Status-Status}', name]).then(
        (status) => status === 'installed',
        () => false,
      ),
    ),
  );
  const missing = names.filter((_, i) => !installed[i]);
  if (missing.length === 0) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await output('apt-get', ['update', '-qq'], installTimeoutMs, env);
  await output('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], installTimeoutMs, env);
}

/** Standard output of a program. Throws where it cannot be started or fails; the first line of the message says why. */
async function output(
  program: string,
  args: readonly string[],
  timeout = 60_000,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { timeout, env, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: string | number; stderr?: string };
    if (code === 'ENOENT') throw new Error(`${program} is not installed`, { cause: error });
    const last = (stderr ?? '').trim().split('\n').at(-1);
    throw new Error(`${path.basename(program)}: ${last || String(error)}`, { cause: error });
  }
}

/** `4.1.4` in whatever a program says of itself. */
export function versionIn(text: string): string {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? 'unknown';
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
