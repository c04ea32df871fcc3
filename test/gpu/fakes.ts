import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../native/test/fakes', import.meta.url));
const flags = ['-std=c++20', '-O1', '-fPIC', '-shared'];

export interface Fakes {
  /** For LD_LIBRARY_PATH: a libcuda.so.1 and a libnccl.so.2. */
  readonly folder: string;
  /** A NCCL that lacks ncclCommAbort. */
  readonly withoutAbort: string;
}

/** Compiles the fake driver and the fake NCCL; undefined where there is no compiler, or the system is not Linux. */
export function buildFakes(): Fakes | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tsring-fakes-'));
  const at = (name: string) => path.join(folder, name);
  const compile = (...args: string[]) => execFileSync('g++', [...flags, ...args], { stdio: 'pipe', timeout: 120_000 });
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const nccl = (name: string, ...define: string[]) =>
    compile('-o', at(name), path.join(sources, 'fake_nccl.cc'), ...define, '-Wl,-rpath,$ORIGIN', at('libcuda.so.1'));
  compile('-o', at('libcuda.so.1'), path.join(sources, 'fake_cuda.cc'), '-Wl,-soname,libcuda.so.1');
  nccl('libnccl.so.2');
  nccl('without-abort.so', '-DncclCommAbort=ncclCommGone');
  return { folder, withoutAbort: at('without-abort.so') };
}
