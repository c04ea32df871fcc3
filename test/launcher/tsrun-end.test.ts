import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { readProc } from '../helpers/processes.js';
import { tsrun, type TsrunOptions } from '../helpers/tsrun.js';

/** How a job ends: what tsrun says and returns, and that nothing is left (which the helper checks each time). */
describe('end of a tsrun job', () => {
  const timeoutMs = 20_000;
  const end = (np: number, args: string[], more: Partial<TsrunOptions> = {}) =>
    tsrun({ np, script: 'scripts/launcher/end.mjs', args, timeoutMs, expectFailure: true, ...more });
  const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';

  it('is 0 if all ranks end with 0, at whatever time', async () => {
    const { code, stderr } = await end(3, ['0', '0@300', '0@100']);
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('is the code of the first rank that fails, which the last line names', async () => {
    const { code, stderr, elapsedMs } = await end(3, ['wait', 'wait', '3@100']);
    assert.equal(code, 3);
    const line = /^tsrun: rank 2 \(pid \d+, host (.*)\) exited with code 3; the other ranks were stopped$/;
    assert.equal(line.exec(lastLine(stderr))?.[1], hostname());
    assert(elapsedMs < 10_000, `${elapsedMs} ms`);
  });

  it('is 128 and the signal of a rank that is killed', async () => {
    const killed = await end(2, ['SIGKILL@100', 'wait']);
    assert.equal(killed.code, 137);
    assert.match(
      lastLine(killed.stderr),
      /^tsrun: rank 0 \(.*\) was killed by SIGKILL, .*; the other ranks were stopped$/,
    );
    const crashed = await end(2, ['0', 'SIGSEGV@200']);
    assert.equal(crashed.code, 139);
    assert.match(lastLine(crashed.stderr), /^tsrun: rank 1 \(.*\) was killed by SIGSEGV$/); // nobody was left to stop
  });

  it('blames the rank that died, not the one that noticed first', async () => {
    const { code, stderr } = await tsrun({
      np: 3,
      script: 'scripts/launcher/peer-lost.mjs',
      timeoutMs,
      expectFailure: true,
    });
    assert.equal(code, 7);
    assert.match(lastLine(stderr), /^tsrun: rank 1 .* exited with code 7; the other ranks were stopped$/);
    assert.equal(stderr.match(/^tsrun: /gm)?.length, 1);
  });

  it('comes by SIGKILL for those that ignore SIGTERM, after the grace', async () => {
    const flags = ['--stop-grace-ms', '2000'];
    const { code, ranks, elapsedMs } = await tsrun({
      np: 2,
      script: 'scripts/launcher/family.mjs',
      args: ['stubborn'],
      flags,
      timeoutMs,
      expectFailure: true,
      onOutput: interruptOnceReady('SIGTERM', 2),
    });
    assert.equal(code, 143);
    assert(elapsedMs > 2000);
    for (const { stdout } of ranks) assert(stdout.includes('no'));
    assertGone(ranks.flatMap(({ result }) => result as number[]));
  });

  it('reaches whole process trees: orphans in sessions of their own, and children without environment', async function () {
    if (process.platform !== 'linux') return this.skip();
    const { code, ranks } = await tsrun({
      np: 2,
      script: 'scripts/launcher/family.mjs',
      timeoutMs,
      expectFailure: true,
      onOutput: interruptOnceReady('SIGTERM', 2),
    });
    assert.equal(code, 143);
    const pids = ranks.flatMap(({ result }) => result as number[]);
    assert.equal(pids.length, 8);
    assertGone(pids);
  });

  it('reaches what ranks leave behind when they end well', async () => {
    const { ranks } = await tsrun({ np: 2, script: 'scripts/launcher/family.mjs', args: ['leave'], timeoutMs });
    assertGone(ranks.flatMap(({ result }) => result as number[]));
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`is ${code} after ${signal}`, async () => {
      const result = await end(2, [], { onOutput: interruptOnceReady(signal, 2) });
      assert.equal(result.code, code);
      assert.equal(lastLine(result.stderr), `tsrun: stopped by ${signal}`);
    });
  }

  it('comes at once with a second Ctrl-C', async () => {
    let interrupts = 0;
    const { code, elapsedMs } = await tsrun({
      np: 2,
      script: 'scripts/launcher/family.mjs',
      args: ['stubborn'],
      flags: ['--stop-grace-ms', '15000'],
      timeoutMs,
      expectFailure: true,
      onOutput: (text, pid) => {
        const refused = interrupts > 0 && text.includes('>:no');
        if (ready(text, 2) || refused) process.kill(pid, interrupts++ === 0 ? 'SIGTERM' : 'SIGINT');
      },
    });
    assert.equal(code, 143);
    assert(elapsedMs < 12_000, `${elapsedMs} ms`);
  });

  let seen = 0;
  beforeEach(() => (seen = 0));

  /** Whether `count` ranks have printed, for the first time, that they are ready. */
  function ready(text: string, count: number): boolean {
    const before = seen;
    seen += text.match(/>:(ready|@result .*)\n/g)?.length ?? 0;
    return before < count && seen >= count;
  }

  function interruptOnceReady(signal: NodeJS.Signals, count: number) {
    return (text: string, tsrunPid: number) => {
      if (ready(text, count)) process.kill(tsrunPid, signal);
    };
  }

  function assertGone(pids: readonly number[]): void {
    assert.deepEqual(
      pids.filter((pid) => !['', 'Z'].includes(/\) (.)/.exec(readProc(pid, 'stat'))?.[1] ?? '')),
      [],
    );
  }
});
