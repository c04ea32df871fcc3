import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SetupFailure } from '../../lib/setup/failure.js';
import { withLock } from '../../lib/setup/lock.js';
import { temporaryFolder } from './temporary-folder.js';

describe('setup lock', () => {
  const folder = temporaryFolder();
  const file = () => join(folder(), 'x.lock');
  const options = { timeoutMs: 5_000, onWait: () => undefined };

  it('lets one in at a time, and all in the end', async () => {
    let inside = 0;
    let waits = 0;
    const work = async () => {
      assert.equal(++inside, 1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    const enter = () => withLock(file(), work, { ...options, onWait: () => waits++ });
    await Promise.all(Array.from({ length: 5 }, enter));
    assert.ok(waits <= 4);
    assert.ok(!existsSync(file()));
  });

  it('is free again after a failure', async () => {
    const fail = withLock(file(), () => Promise.reject(new Error('no')), options);
    await assert.rejects(fail, /no/);
    assert.equal(await withLock(file(), () => Promise.resolve(3), options), 3);
  });

  it('is taken over from a process that was killed', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(file(), JSON.stringify({ host: hostname(), pid, id: 'gone' }));
    assert.equal(await withLock(file(), () => Promise.resolve('mine'), options), 'mine');
  });

  it('is taken over from a machine that has not touched it for long', async () => {
    writeFileSync(file(), JSON.stringify({ host: 'elsewhere', pid: 1, id: 'gone' }));
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(file(), longAgo, longAgo);
    assert.equal(await withLock(file(), () => Promise.resolve('mine'), options), 'mine');
  });

  it('is waited for until the deadline while its holder lives', async () => {
    writeFileSync(file(), JSON.stringify({ host: hostname(), pid: process.pid, id: 'alive' }));
    let waits = 0;
    const taken = withLock(file(), () => Promise.resolve(), { timeoutMs: 50, onWait: () => waits++ });
    await assert.rejects(taken, SetupFailure);
    assert.equal(waits, 1);
    assert.ok(existsSync(file()));
  });
});
