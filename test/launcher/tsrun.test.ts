import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { tsrun, tsrunPath } from '../helpers/tsrun.js';

interface Told {
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
}

describe('tsrun', () => {
  const timeoutMs = 20_000;

  it('hands the script its arguments as they are, flags too', async () => {
    const args = ['-np', '5', '--help', '--', '-x', '', 'a b', '$HOME', '--verbose'];
    const { ranks } = await tsrun({ np: 2, script: 'scripts/launcher/tell.mjs', args, timeoutMs });
    for (const { result } of ranks) assert.deepEqual((result as Told).args, args);
  });

  it('tells each rank its place, where to meet, and its share of the cores', async () => {
    const env = { OMP_NUM_THREADS: undefined, TF_NUM_INTRAOP_THREADS: '9', TF_NUM_INTEROP_THREADS: undefined };
    const flags = ['-x', 'FROM_FLAG=yes', '--start-timeout', '9'];
    const { ranks } = await tsrun({ np: 3, script: 'scripts/launcher/tell.mjs', env, flags, timeoutMs });
    const told = ranks.map(({ result }) => (result as Told).env);
    for (const [rank, variables] of told.entries()) {
      const expected = {
        TSRING_RANK: String(rank),
        TSRING_SIZE: '3',
        TSRING_LOCAL_RANK: String(rank),
        TSRING_LOCAL_SIZE: '3',
        TSRING_CROSS_RANK: '0',
        TSRING_CROSS_SIZE: '1',
        TSRING_HOST: '127.0.0.1',
        TSRING_START_TIMEOUT_MS: '9000',
        OMP_NUM_THREADS: String(Math.max(1, Math.floor(availableParallelism() / 3))),
        TF_NUM_INTRAOP_THREADS: '9',
        TF_NUM_INTEROP_THREADS: String(Math.max(1, Math.floor(availableParallelism() / 3))),
        FROM_FLAG: 'yes',
      };
      assert.deepEqual({ ...variables, ...expected }, variables);
      assert.match(variables['TSRING_STORE'] ?? '', /^127\.0\.0\.1:\d+$/);
      assert.equal(variables['TSRING_JOB_ID'], told[0]?.['TSRING_JOB_ID']);
    }
  });

  it('deals out the GPUs of a user’s list', async () => {
    const env = { CUDA_VISIBLE_DEVICES: '5,7' };
    const { ranks } = await tsrun({ np: 3, script: 'scripts/launcher/tell.mjs', env, timeoutMs });
    const gpus = ranks.map(({ result }) => (result as Told).env['CUDA_VISIBLE_DEVICES']);
    assert.deepEqual(gpus, ['5', '7', '5']);
  });

  it('runs TypeScript, ES modules and CommonJS from any folder', async () => {
    const cwd = mkdtempSync(path.join(tmpdir(), 'tsring-cwd-'));
    try {
      const typescript = await tsrun({ np: 2, script: 'scripts/launcher/tell.ts', cwd, timeoutMs });
      for (const { result } of typescript.ranks) assert.deepEqual(result, { greeting: 'hello', cwd });
      const commonjs = await tsrun({ np: 1, script: 'scripts/launcher/tell.cjs', cwd, timeoutMs });
      assert.equal(commonjs.ranks[0]?.result, 'tell.cjs');
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });

  it('takes `node` and its flags before the script, as commands of mpirun and horovodrun have the interpreter there', () => {
    const script = path.join(import.meta.dirname, '../scripts/launcher/tell.mjs');
    const run = (...words: string[]) => execFileSync(process.execPath, [tsrunPath, '-np', '1', ...words]).toString();
    for (const words of [
      ['node', script, '--lr', '0.1'],
      ['node', '--max-old-space-size=512', script, '--lr', '0.1'],
    ]) {
      const told = JSON.parse(/@result (.*)$/m.exec(run(...words))?.[1] ?? '') as Told;
      assert.deepEqual(told.args, ['--lr', '0.1']);
    }
    assert.throws(() => run('node'), /node: which script\?/);
  });

  it('brings ranks together at its store', async () => {
    const { ranks } = await tsrun({ np: 3, script: 'scripts/launcher/store.ts', timeoutMs });
    for (const { result } of ranks) assert.deepEqual(result, [0, 1, 4]);
  });

  it('lets every rank and its threads read the secret, and nobody see it', async function () {
    if (process.platform !== 'linux') return this.skip();
    const { ranks, stdout } = await tsrun({ np: 2, script: 'scripts/launcher/secret.ts', timeoutMs });
    const results = ranks.map(({ result }) => result as { secret: string; same: boolean; leaks: number });
    for (const { secret, same, leaks } of results) {
      assert.match(secret, /^[0-9a-f]{64}$/);
      assert.deepEqual([secret, same, leaks], [results[0]?.secret, true, 0], stdout);
    }
  });

  it('gives its standard input to rank 0 alone', () => {
    const script = path.join(import.meta.dirname, '../scripts/launcher/stdin.mjs');
    const output = execFileSync(process.execPath, [tsrunPath, '-np', '2', script], { input: 'x'.repeat(200_000) });
    assert.deepEqual(output.toString().trim().split('\n').sort(), [
      '[0]<stdout>:@result 200000',
      '[1]<stdout>:@result 0',
    ]);
  });

  it('tells with --verbose what starts where', async () => {
    const { stderr } = await tsrun({ np: 2, script: 'scripts/launcher/tell.cjs', flags: ['--verbose'], timeoutMs });
    assert.match(stderr, /^tsrun: job [0-9a-f-]{36}, store at 127\.0\.0\.1:\d+$/m);
    const row = /^tsrun: 1 +(\S+) +1 of 2 +127\.0\.0\.1 +(?:any|[\d,-]+) +\S+ +\d+$/m.exec(stderr);
    assert.equal(row?.[1], hostname(), stderr);
  });

  it('answers a wrong command line with one line and code 2', async () => {
    const folder = path.join(import.meta.dirname, '../scripts/launcher');
    const wrong: [script: string, flags: string[], message: RegExp][] = [
      ['tell.mjs', ['--verbos'], /did you mean --verbose\?/],
      ['tel.mjs', [], /^tsrun: there is no script '.*tel\.mjs'; did you mean .*tell\.[mc]js\?$/m],
      ['.', [], /is not a file/],
    ];
    for (const [name, flags, message] of wrong) {
      const script = path.join(folder, name);
      const { code, stderr, stdout } = await tsrun({ np: 1, script, flags, timeoutMs, expectFailure: true });
      assert.equal(code, 2);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length + stdout.length, 1);
    }
  });

  it('lists its parts with --check-build', function () {
    this.timeout(70_000);
    const output = execFileSync(process.execPath, [tsrunPath, '--check-build']).toString();
    assert.match(output, /^tsring \d+\.\d+\.\d+, Node [^]*\[[x ]\] native addon: .+[^]*\[[x ]\] TensorFlow: .+/);
    assert.match(output, /\[[x ]\] NCCL, for buffers on GPUs: .+/);
  });
});
