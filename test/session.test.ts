import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import * as ring from '../lib/index.js';
import { ringError } from './helpers/ring-error.js';
import { startRanks } from './helpers/start-ranks.js';

describe('session', () => {
  it('is rank 0 of 1 without tsrun', async () => {
    await using session = await ring.init();
    const { rank, size, localRank, localSize, crossRank, crossSize } = session;
    assert.deepEqual([rank, size, localRank, localSize, crossRank, crossSize], [0, 1, 0, 1, 0, 1]);
    assert.deepEqual([ring.rank(), ring.size(), ring.localRank()], [0, 1, 0]);
    assert.deepEqual([ring.localSize(), ring.crossRank(), ring.crossSize()], [1, 0, 1]);
  });

  it('can be tried again after an init that failed', async () => {
    await assert.rejects(ring.init({ rank: 3 }), ringError('RING_CONFIG'));
    assert.equal(ring.isInitialized(), false);
    await ring.init();
    await ring.shutdown();
  });

  it('takes one of two concurrent inits', async () => {
    const [first, second] = await Promise.allSettled([ring.init(), ring.init()]);
    assert.equal(first.status, 'fulfilled');
    assert.ok(second.status === 'rejected');
    ringError('RING_ALREADY_INITIALIZED')(second.reason);
    await ring.shutdown();
  });

  it('waits for a shutdown that is under way', async () => {
    await ring.init();
    const stopped = ring.shutdown();
    await ring.init();
    await stopped;
    assert.equal(ring.isInitialized(), true);
    await ring.shutdown();
  });

  it('ends an init that is under way when shutdown comes', async () => {
    const started = ring.init();
    await ring.shutdown();
    await started;
    assert.equal(ring.isInitialized(), false);
  });

  it('says why the addon cannot be loaded, and what to do', async () => {
    const script = fileURLToPath(new URL('scripts/join-ring.ts', import.meta.url));
    const env = { ...process.env, TSRING_ADDON: '/nowhere/tsring.node' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { env });
    assert.match(stdout, /"code":"RING_ADDON".*TSRING_ADDON=\/nowhere\/tsring.node.*Unset TSRING_ADDON/);
  });
});

describe('session in worker threads', () => {
  const start = (mode: string, env: Record<string, string> = {}) =>
    new Worker(new URL('scripts/worker.mjs', import.meta.url), { workerData: mode, env: { ...process.env, ...env } });
  const message = (worker: Worker) =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });

  it('each thread has one of its own, beside the main thread', async () => {
    await using session = await ring.init();
    const workers = [start('whole'), start('whole')];
    assert.deepEqual(await Promise.all(workers.map(message)), [6, 6]);
    assert.deepEqual(ring.allreduceSync(Float32Array.of(2)), Float32Array.of(2));
    assert.equal(session.size, 1);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it('a thread may end without shutdown, again and again', async () => {
    for (let round = 0; round < 3; round++) {
      const worker = start('no shutdown');
      assert.equal(await message(worker), 6);
      await worker.terminate();
    }
  });

  it('two threads are two ranks, and one may be stopped in the middle of an operation', async () => {
    const [end] = await startRanks({ np: 1, script: 'scripts/worker-ranks.ts', timeoutMs: 30_000 });
    assert.equal(end!.code, 0, end!.stderr);
    assert.deepEqual(end!.result, { sums: [3, 3], afterTermination: 'RING_PEER_LOST' }, end!.stderr);
  });
});
