import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tsrun, tsrunPath, type TsrunOptions } from '../helpers/tsrun.js';

describe('output files, times and limits of tsrun', () => {
  const timeoutMs = 30_000;
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-output-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const burst = (flags: string[], more: Partial<TsrunOptions> = {}) =>
    tsrun({ np: 2, script: 'scripts/launcher/burst.mjs', args: ['300'], flags, timeoutMs, ...more });
  const read = (rank: number, stream: string) => readFileSync(path.join(folder, `rank.${rank}`, stream), 'utf8');

  it('writes what each rank prints to its files, and only with --tee to the terminal as well', async () => {
    const silent = await burst(['--output-filename', folder]);
    assert.equal(silent.stdout + silent.stderr, '');
    const loud = await burst(['--output-filename', folder, '--tee']);
    for (const { rank, stdout, stderr } of loud.ranks) {
      assert.equal(read(rank, 'stdout'), stdout.map((line) => `${line}\n`).join(''));
      assert.equal(read(rank, 'stderr'), stderr.map((line) => `${line}\n`).join(''));
      assert.equal(stdout.length + stderr.length, 301);
    }
  });

  it('puts the time before each line with --timestamp', async () => {
    const script = 'scripts/launcher/tell.cjs';
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    const tagged = await tsrun({ np: 1, script, flags: ['--timestamp'], timeoutMs });
    assert.match(tagged.stdout, new RegExp(`^${time}\\[0\\]<stdout>:@result "tell.cjs"\n$`));
    const plain = await tsrun({ np: 1, script, flags: ['--timestamp', '--no-tag-output'], timeoutMs });
    assert.match(plain.stdout, new RegExp(`^${time} @result`));
  });

  it('goes on where the disk is full, says so once, and prints what the file does not take', async function () {
    const small = path.join(folder, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small], { stdio: 'pipe' });
    } catch {
      console.log('      skipped: a small file system cannot be mounted here (needs root)');
      return this.skip();
    }
    try {
      const lines = 5000;
      const { code, stdout, stderr } = await burst(['--output-filename', small, '--no-tag-output'], {
        np: 1,
        args: [String(lines)],
      });
      assert.equal(code, 0);
      const told = stderr.match(/^tsrun: .*small\/rank\.0\/std(out|err) cannot be written: ENOSPC.*$/gm) ?? [];
      assert(told.length >= 1 && told.length <= 2, stderr.slice(0, 500));
      const files = ['stdout', 'stderr'].map((stream) => readFileSync(path.join(small, 'rank.0', stream), 'utf8'));
      const whole = files[0]! + stdout;
      const numbers = whole.split('\n').map((line) => Number.parseInt(line));
      const expected = [...Array(lines).keys()].filter((index) => index % 3 !== 0);
      assert.deepEqual(
        numbers.filter((number) => !Number.isNaN(number)),
        expected,
        'every line, in order, once',
      );
      assert(statSync(path.join(small, 'rank.0/stdout')).size > 0);
    } finally {
      execFileSync('umount', [small]);
    }
  });

  it('refuses a folder that cannot be made, before anything starts', async () => {
    const flags = ['--output-filename', '/dev/null/nowhere'];
    const { code, stderr, stdout } = await burst(flags, { expectFailure: true });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^tsrun: --output-filename: ENOTDIR.*\/dev\/null\/nowhere/);
  });

  it('ends the job after --timeout with 124', async () => {
    const flags = ['--timeout', '1'];
    const { code, stderr } = await tsrun({
      np: 2,
      script: 'scripts/launcher/end.mjs',
      flags,
      timeoutMs,
      expectFailure: true,
    });
    assert.equal(code, 124);
    assert.match(stderr, /^tsrun: the job has not ended within 1 s \(--timeout\); the other ranks were stopped$/m);
  });

  it('tells with --dry-run what would start where, and starts nothing', () => {
    const argv = [
      '-H',
      'far1:2,localhost:1,far2:2',
      '--map-by',
      'node',
      '-x',
      'NAME=a b',
      '--dry-run',
      '--ssh-port',
      '2222',
    ];
    const script = path.join(import.meta.dirname, '../scripts/launcher/end.mjs');
    const text = execFileSync(process.execPath, [tsrunPath, ...argv, script, 'SIGKILL'], { encoding: 'utf8' });
    assert.match(text, /^0 +far1 +0 of 2 +ADDRESS +any/m);
    assert.match(text, /^4 +far2 +1 of 2/m);
    assert.match(text, /^ssh .* -p 2222 far2 'exec .*agent\.js'$/m);
    assert.match(text, /^rank 1: .*'NAME=a b'.* TSRING_LOCAL_SIZE=1 /m);
    assert.match(text, /end\.mjs SIGKILL$/m);
  });

  it('starts and finishes 64 ranks on one machine, as one ring', async function () {
    this.timeout(90_000);
    const { ranks } = await tsrun({ np: 64, script: 'scripts/launcher/ring.mjs', timeoutMs: 80_000 });
    for (const { result } of ranks) assert.equal((result as { sum: number }).sum, (64 * 65) / 2);
  });
});
