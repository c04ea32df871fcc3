import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

describe('kernels for GPUs', () => {
  it('have their PTX checked in', () => {
    execFileSync(process.execPath, [path.join(root, 'scripts/build-kernels.mjs'), '--check'], { stdio: 'pipe' });
  });

  it('are in the PTX by the names that they are looked up by', () => {
    const ptx = read('native/nccl/kernels_ptx.h');
    const entries = [...ptx.matchAll(/\.entry (\w+)\(/g)].map(([, name]) => name);
    const names = [...read('native/nccl/device_kernels.cc').matchAll(/\{"(tsring_\w+)"/g)].map(([, name]) => name);
    assert.deepEqual(names.sort(), entries.sort());
  });
});
