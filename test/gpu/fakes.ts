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
  readonly env: Readonly<Record<string, string>>;
  /** A NCCL that lacks ncclCommAbort. */
  readonly withoutAbort: string;
}

let built: Fakes | undefined;

/**
 * For a `before` hook: the fake driver and the fake NCCL, compiled once a process and removed at its end. Where that cannot be, the
 * hook's tests are skipped, with the reason.
 */
export function fakesOrSkip(context: Mocha.Context): Fakes {
  const reason = process.platform === 'linux' ? whyNoCompiler() : 'the fake driver is for Linux';
  if (reason !== undefined) {
    console.log(`      skipped: ${reason}`);
    context.skip();
  }
  return (built ??= build());
}

function whyNoCompiler(): string | undefined {
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no g++ to build the fake driver with';
  }
}

function build(): Fakes {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tsring-fakes-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const at = (name: string) => path.join(folder, name);
  const compile = (...args: string[]) => execFileSync('g++', [...flags, ...args], { stdio: 'pipe', timeout: 120_000 });
  const nccl = (name: string, ...define: string[]) =>
    compile('-o', at(name), path.join(sources, 'fake_nccl.cc'), ...define, '-Wl,-rpath,$ORIGIN', at('libcuda.so.1'));
  compile('-o', at('libcuda.so.1'), path.join(sources, 'fake_cuda.cc'), '-Wl,-soname,libcuda.so.1');
  nccl('libnccl.so.2');
  nccl('without-abort.so', '-DncclCommAbort=ncclCommGone');
  const env = { LD_LIBRARY_PATH: folder, TSRING_NCCL_LIB: at('libnccl.so.2') };
  return { folder, env, withoutAbort: at('without-abort.so') };
}
