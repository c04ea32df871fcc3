import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

describe('bench/hand-over', () => {
  it('times each way on a small case', () => {
    const script = fileURLToPath(new URL('../../bench/hand-over.ts', import.meta.url));
    const small = ['--backend', 'wasm', '--bytes', '4096', '--tensors', '3', '--repeats', '2'];
    const args = ['--import', 'tsx', script, ...small];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 50_000 });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^3 tensors of 1 KiB, bridge( +\d+\.\d{3}){3}$/m);
    assert.match(stdout, /^1 tensor of 4096 B, plain copy( +\d+\.\d{3}){3}$/m);
  });
});
