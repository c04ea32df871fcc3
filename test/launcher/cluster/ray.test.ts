import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { pythonWithRay } from '../../helpers/cluster-python.js';
import { tsrun, type TsrunOptions } from '../../helpers/tsrun.js';
import { onceReady } from '../../helpers/once-ready.js';

/** A real Ray on this machine. */
describe('tsrun on Ray', function () {
  this.timeout(120_000);
  let python = '';

  before(async function () {
    this.timeout(300_000);
    const found = await pythonWithRay();
    if ('missing' in found) {
      console.log(`      skipped: ${found.missing}`);
      this.skip();
    }
    python = found.python;
  });

  const onRay = (options: Omit<TsrunOptions, 'timeoutMs' | 'np'>) =>
    tsrun({
      np: 2,
      ...options,
      flags: ['--ray', 'local', '--start-timeout', '90'],
      env: { TSRING_PYTHON: python },
      timeoutMs: 110_000,
      lingerMs: 40_000,
      expectFailure: true,
    });

  it('starts a ring, and ends it on Ctrl-C', async () => {
    const { code, stdout, stderr, ranks } = await onRay({
      script: 'scripts/launcher/ring.mjs',
      args: ['hold'],
      onOutput: onceReady(2, (tsrunPid) => process.kill(tsrunPid, 'SIGINT')),
    });
    assert.equal(code, 130, stdout + stderr);
    assert.match(stderr, /^tsrun: stopped by SIGINT$/m);
    const place = { size: 2, localSize: 2, crossRank: 0, crossSize: 1, host: hostname(), sum: 3 };
    assert.deepEqual(
      ranks.map(({ result }) => result),
      [0, 1].map((rank) => ({ rank, localRank: rank, ...place })),
    );
  });

  it('ends with the code of the first rank that fails', async () => {
    const { code, stderr } = await onRay({ script: 'scripts/launcher/end.mjs', args: ['4@100', 'wait'] });
    assert.equal(code, 4, stderr);
    assert.match(stderr, /^tsrun: rank 0 \(pid \d+, host \S+\) exited with code 4; the other ranks were stopped\n$/m);
  });
});
