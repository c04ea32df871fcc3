import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readProc } from '../helpers/processes.js';
import { tsrun, type TsrunOptions } from '../helpers/tsrun.js';

/** No process outlives tsrun: the helper rejects if one does, in each of these runs. */
describe('guard of a tsrun job', () => {
  const timeoutMs = 20_000;
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  function run(more: Partial<TsrunOptions>, onReady: (tsrunPid: number) => void) {
    let text = '';
    return tsrun({
      np: 2,
      script: 'scripts/launcher/family.mjs',
      timeoutMs,
      expectFailure: true,
      onOutput: (chunk, tsrunPid) => {
        const before = text;
        text += chunk;
        const results = (some: string) => some.match(/@result .*\n/g)?.length ?? 0;
        if (results(before) < 2 && results(text) === 2) onReady(tsrunPid);
      },
      ...more,
    });
  }

  it('kills the whole job when tsrun is killed', async () => {
    const { signal, ranks } = await run({}, (pid) => process.kill(pid, 'SIGKILL'));
    assert.equal(signal, 'SIGKILL');
    for (const pid of ranks.flatMap(({ result }) => result as number[])) await gone(pid);
  });

  it('is replaced when it is killed itself, and the new one does the same', async () => {
    let replaced = 0;
    const { signal, ranks } = await run({}, (pid) => {
      void (async () => {
        const first = await until(() => guardsOf(pid)[0]);
        process.kill(first, 'SIGKILL');
        replaced = await until(() => guardsOf(pid).find((guard) => guard !== first));
        process.kill(pid, 'SIGKILL');
      })();
    });
    assert.equal(signal, 'SIGKILL');
    for (const pid of ranks.flatMap(({ result }) => result as number[])) await gone(pid);
    await gone(replaced);
  });

  it('ends the job with a clear message if something keeps killing it', async () => {
    let ended = false;
    const result = run({}, (pid) => {
      void (async () => {
        while (!ended) {
          for (const guard of guardsOf(pid)) process.kill(guard, 'SIGKILL');
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
    }).finally(() => (ended = true));
    const { code, stderr } = await result;
    assert.equal(code, 1);
    assert.match(stderr, /tsrun: the guard process was killed 4 times; the other ranks were stopped\n$/);
  });

  function guardsOf(tsrunPid: number): number[] {
    const pids = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    return pids.filter((pid) => {
      const [state, parent] = readProc(pid, 'stat')
        .replace(/^.*\) /, '')
        .split(' ');
      return state !== 'Z' && Number(parent) === tsrunPid && readProc(pid, 'cmdline').includes('guard-process');
    });
  }

  const gone = (pid: number) => until(() => (/\) [^Z]/.test(readProc(pid, 'stat')) ? undefined : true));

  async function until<T>(look: () => T | undefined): Promise<T> {
    const deadline = performance.now() + 15_000;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      assert(performance.now() < deadline, 'nothing after 15 s');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
});
