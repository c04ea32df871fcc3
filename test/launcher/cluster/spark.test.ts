import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../../dist/lib/run.js';
import { pythonWithSpark } from '../../helpers/cluster-python.js';
import { onceReady } from '../../helpers/once-ready.js';
import { processesWith, readProc } from '../../helpers/processes.js';
import { tsrun, type TsrunOptions } from '../../helpers/tsrun.js';

/** A real Spark: two executors, each a Java process of its own, or threads of one where that is all that the test needs. */
describe('tsrun on Spark', function () {
  this.timeout(120_000);
  const twoExecutors = 'local-cluster[2,1,1024]';
  let python = '';

  before(async function () {
    this.timeout(300_000);
    const found = await pythonWithSpark();
    if ('missing' in found) {
      console.log(`      skipped: ${found.missing}`);
      this.skip();
    }
    python = found.python;
  });
  const onSpark = (master: string, options: Omit<TsrunOptions, 'timeoutMs'>) =>
    tsrun({
      ...options,
      flags: ['--spark', master, '--spark-conf', 'spark.ui.enabled=false', ...(options.flags ?? [])],
      env: { TSRING_PYTHON: python, JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' }, // starts sooner
      timeoutMs: 100_000,
      lingerMs: 40_000,
      expectFailure: true,
    });

  it('starts a ring in two executors, shows its key to nobody, and ends when an executor dies', async () => {
    const logs = mkdtempSync(path.join(tmpdir(), 'tsring-spark-'));
    try {
      const commands: string[] = [];
      const { code, stdout, stderr, ranks } = await onSpark(twoExecutors, {
        np: 2,
        script: 'scripts/launcher/ring.mjs',
        args: ['hold'],
        flags: ['--spark-conf', 'spark.eventLog.enabled=true', '--spark-conf', `spark.eventLog.dir=file://${logs}`],
        onOutput: onceReady(2, (tsrunPid) => {
          const all = processesWith(markOf(tsrunPid));
          commands.push(...all.map(({ command }) => command));
          process.kill(all.find(({ command }) => command.includes('ExecutorBackend'))!.pid, 'SIGKILL');
        }),
      });
      assert.equal(code, 1, stderr);
      assert.match(stderr, /^tsrun: host \S+ \(Spark task [01]\) is lost: its connection has closed/m);
      const place = { size: 2, localSize: 2, crossRank: 0, crossSize: 1, host: hostname(), sum: 3 };
      assert.deepEqual(
        ranks.map(({ result }) => result),
        [0, 1].map((rank) => ({ rank, localRank: rank, ...place })),
        stdout + stderr,
      );
      assert(commands.some((command) => command.includes('agent.js')));
      const told = [...commands, ...readdirSync(logs).map((name) => readFileSync(path.join(logs, name), 'utf8'))];
      assert(told.length > commands.length, 'no event log');
      for (const text of told) assert.doesNotMatch(text, /\b[0-9a-f]{64}\b/);
    } finally {
      rmSync(logs, { recursive: true, force: true });
    }
  });

  it('leaves nothing of ranks and executors when tsrun is killed', async () => {
    const { signal } = await onSpark(twoExecutors, {
      np: 2,
      script: 'scripts/launcher/ring.mjs',
      args: ['hold'],
      onOutput: onceReady(2, (tsrunPid) => process.kill(tsrunPid, 'SIGKILL')),
    });
    assert.equal(signal, 'SIGKILL'); // the helper has looked for what is left
  });

  it('ends with the code of the first rank that fails', async () => {
    const { code, stderr } = await onSpark('local[2]', {
      np: 2,
      script: 'scripts/launcher/end.mjs',
      args: ['wait', '3@100'],
    });
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^tsrun: rank 1 \(pid \d+, host \S+\) exited with code 3; the other ranks were stopped\n$/m);
  });

  it('hands back what a function returns', async () => {
    const before = process.env['TSRING_PYTHON'];
    process.env['TSRING_PYTHON'] = python;
    try {
      const results = await run((base: number) => base + Number(process.env['TSRING_RANK']), {
        ...{ np: 2, spark: 'local[2]', sparkConf: { 'spark.ui.enabled': 'false' }, args: [40], oversubscribe: true },
      });
      assert.deepEqual(results, [40, 41]);
    } finally {
      if (before === undefined) delete process.env['TSRING_PYTHON'];
      else process.env['TSRING_PYTHON'] = before;
    }
  });

  it('says so where there is no room for all tasks', async () => {
    const { code, stderr } = await onSpark('local[1]', {
      np: 2,
      script: 'scripts/launcher/end.mjs',
      flags: ['--spark-conf', 'spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures=1'],
    });
    assert.equal(code, 1);
    assert.match(stderr, /^tsrun: Spark: .*requires more slots than the total number of slots/m);
  });
});

describe('tsrun on Spark that is not there', () => {
  it('says what is missing and how to get it', async () => {
    const options = { np: 1, script: 'scripts/launcher/end.mjs', timeoutMs: 30_000, expectFailure: true };
    const folder = mkdtempSync(path.join(tmpdir(), 'tsring-spark-'));
    try {
      const bare = path.join(folder, 'python');
      writeFileSync(bare, '#!/bin/sh\nexec python3 -I -S "$@"\n', { mode: 0o755 }); // without any package
      const on = (python: string) =>
        tsrun({ ...options, flags: ['--spark', 'local[1]'], env: { TSRING_PYTHON: python } });
      const [missing, empty] = await Promise.all([on(path.join(folder, 'no-python')), on(bare)]);
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /^tsrun: Spark: .*no-python cannot be started \(ENOENT\); set TSRING_PYTHON$/m);
      assert.equal(empty.code, 1);
      assert.match(empty.stderr, /^tsrun: Spark: .*has no pyspark .*: .*-m pip install pyspark, and Java, or set/m);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The variable by which all processes of a run are known. */
function markOf(pid: number): string {
  return readProc(pid, 'environ')
    .split('\0')
    .find((one) => one.startsWith('TSRING_TEST_RUN='))!;
}
