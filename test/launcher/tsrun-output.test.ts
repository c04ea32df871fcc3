import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tsrun, tsrunPath } from '../helpers/tsrun.js';

describe('output of tsrun', () => {
  const timeoutMs = 30_000;

  it('keeps lines of four ranks whole and in order, and loses none', async () => {
    const lines = 20_000;
    const { ranks, stdout, stderr } = await tsrun({
      np: 4,
      script: 'scripts/launcher/burst.mjs',
      args: [String(lines)],
      timeoutMs,
    });
    const expected = [...Array(lines).keys()].map((index) => `${index} ${'ab'.repeat(index % 100)} äöü🌍`);
    for (const rank of ranks) {
      assert.deepEqual(rank.stdout, [...expected.filter((_, index) => index % 3 !== 0), 'the end']);
      assert.deepEqual(
        rank.stderr,
        expected.filter((_, index) => index % 3 === 0),
      );
    }
    assert.equal(stdout.split('\n').length + stderr.split('\n').length, 4 * (lines + 1) + 2); // nothing untagged
  });

  it('passes lines of many megabytes whole', async () => {
    const characters = 3_000_000;
    const args = [String(characters)];
    const { ranks } = await tsrun({ np: 2, script: 'scripts/launcher/long-line.mjs', args, timeoutMs });
    for (const { stdout } of ranks) assert(stdout.length === 1 && stdout[0] === '€'.repeat(characters));
  });

  it('passes any byte, and leaves lines alone with --no-tag-output', async () => {
    const child = spawn(process.execPath, [tsrunPath, '-np', '1', '--no-tag-output', script('bytes.mjs')]);
    const received: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => received.push(chunk));
    await once(child, 'close');
    const bytes = [...Array(256).keys()].filter((byte) => byte !== 10);
    assert.deepEqual(Buffer.concat(received), Buffer.from([...bytes, ...bytes, 10]));
  });

  it('waits for a slow reader without losing or hoarding', async () => {
    const child = spawn(process.execPath, [tsrunPath, '-np', '2', script('burst.mjs'), '30000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await delay(1000); // the pipes are full by now, and the ranks wait
    assert.equal(child.exitCode, null);
    let newlines = 0;
    child.stdout.on('data', (chunk: Buffer) => (newlines += chunk.filter((byte) => byte === 10).length));
    const [code] = (await once(child, 'close')) as [number];
    assert.deepEqual([code, newlines], [0, 2 * (20_000 + 1)]);
  });

  it('ends the job when nobody reads its output any more', async () => {
    const child = spawn(process.execPath, [tsrunPath, '-np', '2', script('burst.mjs'), '100000000'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 141);
    assert.match(Buffer.concat(errors).toString(), /\ntsrun: nobody reads the output any more; .*\n$/);
  });

  const script = (name: string) => path.join(import.meta.dirname, '../scripts/launcher', name);
});
