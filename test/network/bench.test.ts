import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { skipWithoutNetworks } from '../helpers/netns.js';

const program = fileURLToPath(new URL('../../dist/bench/network/main.js', import.meta.url));

describe('bench:network', function () {
  let folder: string;
  before(function () {
    skipWithoutNetworks(this);
    folder = mkdtempSync(path.join(tmpdir(), 'tsring-test-'));
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  it('runs small: a table for people, and a line of JSON', async () => {
    const json = path.join(folder, 'runs.jsonl');
    const flags = ['--hosts', '2', '--rates', '1000', '--delays', '500', '--sizes', '4,64K', '--rounds', '1'];
    const args = [program, ...flags, '--budget', '0.05', '--systems', 'tsring', '--json', json];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
    assert.match(stdout, /2 hosts, 1000 Mbit\/s, 500 us one way/);
    assert.match(stdout, /64 KB {2}tsring .* ok$/m);
    const run = JSON.parse(readFileSync(json, 'utf8')) as {
      ceilings: { roundTripSeconds: number }[];
      rows: { bytes: number; correct: boolean }[];
    };
    assert.deepEqual(
      run.rows.map(({ bytes, correct }) => [bytes, correct]),
      [
        [4, true],
        [65_536, true],
      ],
    );
    assert.ok(run.ceilings[0]!.roundTripSeconds >= 0.001);
  });

  it('a mistyped system: the nearest is proposed', async () => {
    const failed = promisify(execFile)(process.execPath, [program, '--systems', 'gloo-rnig'], { timeout: 20_000 });
    await assert.rejects(failed, /Did you mean gloo-ring\?/);
  });
});
