import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../native/test/fakes', import.meta.url));
const flags = ['-std=c++20', '-O1', '-fPIC', '-shared'];

export interface Fakes {
  /** With a libcuda.so.1 and a libnccl.so.2. */
  readonly folder: string;
  /** Variables for processes that are to use them. */
  readonly env: Readonly<Record<'LD_LIBRARY_PATH' | 'TSRING_NCCL_LIB', string>>;
  /** A NCCL that lacks ncclCommAbort. */
  readonly withoutAbort: string;
}

let built: Fakes | undefined;

/**
 * For a `before` hook: the fake driver and the fake NCCL, of the folder that FAKES names (as in run.sh), or else compiled once a process and
 * removed at its end. Where that cannot be, the
 * hook's tests are skipped, with the reason.
 */
export function fakesOrSkip(context: Mocha.Context): Fakes {
  const reason = process.platform === 'linux' ? whyNoCompiler() : 'the fake driver is for Linux';
  if (reason !== undefined) {
    console.log(`      skipped: ${reason}`);
    context.skip();
  }
  return (built ??= inFolder(process.env['FAKES'] ?? build()));
}

function whyNoCompiler(): string | undefined {
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no g++ to build the fake driver with';
  }
}

function build(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tsring-fakes-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const fakes = inFolder(folder);
  const compile = (...args: string[]) => execFileSync('g++', [...flags, ...args], { stdio: 'pipe', timeout: 120_000 });
  const nccl = (file: string, ...define: string[]) =>
    compile('-o', file, path.join(sources, 'fake_nccl.cc'), ...define, '-Wl,-rpath,$ORIGIN', fakes.cuda);
  compile('-o', fakes.cuda, path.join(sources, 'fake_cuda.cc'), '-Wl,-soname,libcuda.so.1');
  nccl(fakes.env['TSRING_NCCL_LIB']);
  nccl(fakes.withoutAbort, '-DncclCommAbort=ncclCommGone');
  return folder;
}

function inFolder(folder: string): Fakes & { readonly cuda: string } {
  const at = (name: string) => path.join(folder, name);
  const env = { LD_LIBRARY_PATH: folder, TSRING_NCCL_LIB: at('libnccl.so.2') };
  return { folder, env, cuda: at('libcuda.so.1'), withoutAbort: at('without-abort.so') };
}
