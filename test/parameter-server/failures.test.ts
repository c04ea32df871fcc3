import assert from 'node:assert/strict';
import { type TsrunOptions, tsrun } from '../helpers/tsrun.js';
import type { Caught } from '../scripts/report.js';

describe('parameter servers, when something is wrong', () => {
  const run = (what: string, options: Partial<TsrunOptions> = {}) => {
    const flags = ['--ps', '1', '--server-backend', 'cpu'];
    const script = 'scripts/parameter-server/failures.ts';
    return tsrun({ np: 2, flags, script, args: [what], timeoutMs: 40_000, ...options });
  };

  it('ranks that do not fit together get the same error, other optimizers go on, and a rank that vanishes is named', async () => {
    const { ranks } = await run('mismatch');
    const expected = [
      /^RING_MISMATCH parameter server \d, shapes: variable 0 is "u" \[\d\] on rank \d and "u" \[\d\] on rank \d; same script on all ranks\?$/,
      /^RING_MISMATCH parameter server \d, classes: optimizer is \w+ on rank \d and \w+ on rank \d/,
      /^RING_MISMATCH parameter server \d, sync: sync is (true|false) on rank/,
      /^RING_MISMATCH parameter server \d, staleness: maxStaleness is \d on rank/,
      /^RING_DUPLICATE_NAME parameter server \d, shapes: rank \d has or had another optimizer of this name/,
    ];
    assert.match(
      (ranks[0]!.result as string[]).at(-1)!,
      /^RING_PEER_LOST parameter server 0, vanished: rank 1 closed its connection/,
    );
    for (const { result } of ranks)
      expected.forEach((pattern, index) => assert.match((result as string[])[index]!, pattern));
  });

  it('a rank that others wait for, and that does not come, is named at the deadline', async () => {
    const { ranks } = await run('absent', { env: { TSRING_TIMEOUT_MS: '1500' } });
    const { code, message } = ranks[0]!.result as Caught;
    assert.equal(code, 'RING_TIMEOUT', message);
    assert.match(message, /rank 0 has waited 1500 ms for rank 1; .*leave\(\)/);
  });

  for (const [what, named] of [
    ['rank', /^tsrun: rank 1 \(pid \d+, host \S+\) was killed by SIGKILL/m],
    ['server', /^tsrun: parameter server 0 \(pid \d+, host \S+\) was killed by SIGKILL/m],
  ] as const) {
    it(`a ${what} that dies in the middle of training ends the job, which names it`, async function () {
      if (process.platform !== 'linux') return this.skip();
      const { code, stderr } = await run(what, { expectFailure: true });
      assert.equal(code, 137, stderr);
      assert.match(stderr, named);
    });
  }

  it('a server that cannot start ends the job, and says why under its own name', async () => {
    const flags = ['--ps', '1', '-x', 'TSRING_SERVER_BACKEND=abacus'];
    const script = 'scripts/launcher/wait.mjs';
    const { code, stderr } = await tsrun({ np: 1, flags, script, timeoutMs: 40_000, expectFailure: true });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^\[server 0\]<stderr>:RING_CONFIG: TSRING_SERVER_BACKEND is "abacus"; allowed: auto/m);
    assert.match(stderr, /^tsrun: parameter server 0 \(pid \d+, host \S+\) exited with code 1; the other ranks were stopped/m); // prettier-ignore
  });
});
