import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PeersRecord } from '../../../bench/peers/main.js';

describe('bench/collectives.ts --peers', function () {
  this.timeout(180_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-peers-test-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const root = path.dirname(createRequire(import.meta.url).resolve('tsring/package.json'));
  const peers = (...args: string[]) => {
    const started = [path.join(root, 'dist', 'bench', 'collectives-start.js'), '--peers', ...args];
    return spawnSync(process.execPath, started, { encoding: 'utf8', timeout: 170_000 });
  };

  it('measures what there is beside ours, prints the tables and leaves files', function () {
    const here = peers('--list', '--systems', 'openmpi,mpich,gloo-ring')
      .stdout.split('\n')
      .map((line) => line.split(' ')[0]!);
    const rival = ['openmpi', 'mpich', 'gloo-ring'].find((name) => here.includes(name));
    if (rival === undefined) {
      console.log('      skipped: neither Open MPI nor MPICH nor gloo is installed');
      this.skip();
    }
    const run = peers(
      ...['--np', '2', '--sizes', '4,1M', '--rounds', '2', '--budget', '0.01', '--max_iterations', '20'],
      ...['--systems', `tsring,tsring-tcp,${rival}`, '--out', folder],
    );
    assert.equal(run.status, 0, run.stderr);
    const record = JSON.parse(readFileSync(path.join(folder, 'collectives.json'), 'utf8')) as PeersRecord;
    assert.deepEqual(record.notes, []);
    assert.equal(record.samples.length, 2 * 2 * 3);
    assert.ok(record.samples.every(({ correct, medianSeconds }) => correct && medianSeconds > 0));
    assert.deepEqual(readdirSync(folder).sort(), [
      'collectives-np2.svg',
      'collectives.json',
      'report.html',
      'table.txt',
      'verdicts.md',
    ]);
    assert.ok(run.stdout.startsWith(readFileSync(path.join(folder, 'table.txt'), 'utf8').trimEnd()));
    assert.match(run.stdout, /\d of \d targets met/);

    const again = path.join(folder, 'again');
    assert.equal(peers('--from', path.join(folder, 'collectives.json'), '--out', again).status, 0);
    assert.equal(
      readFileSync(path.join(again, 'table.txt'), 'utf8'),
      readFileSync(path.join(folder, 'table.txt'), 'utf8'),
    );
  });

  it('says in one line what is wrong with a flag', () => {
    const { status, stderr } = peers('--sizes', '5');
    assert.equal(status, 1);
    assert.match(stderr, /^error: option '--sizes <list>' argument '5' is invalid.*\n$/);
  });
});
