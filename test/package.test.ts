import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

describe('the package', () => {
  it('would hold, as built now, what its programs and modules need', () => {
    const cwd = path.join(import.meta.dirname, '..');
    const { status, stderr } = spawnSync(process.execPath, ['scripts/check-package.mjs'], { cwd, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
});
