import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../helpers/free-port.js';
import { tsrunPath } from '../helpers/tsrun.js';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** tsrun started once a node by someone else, as torchrun is. Here the nodes are on one machine. */
describe('tsrun with --nnodes', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-nodes-'))));
  after(() => rmSync(folder, { recursive: true }));

  const ring = path.join(import.meta.dirname, '../scripts/launcher/ring.mjs');
  const secretFile = (mode = 0o600) => {
    const file = path.join(folder, `secret-${mode}`);
    writeFileSync(file, 'ab'.repeat(32), { mode });
    return file;
  };
  function start(node: number, port: number, flags: string[], env: Record<string, string>): Promise<Run> {
    const nodes = ['--nnodes', '2', '--node-rank', String(node), '--rdzv-endpoint', `localhost:${port}`];
    const argv = [tsrunPath, ...nodes, '--oversubscribe', '--start-timeout', '20', ...flags, ring];
    return new Promise((resolve) => {
      execFile(process.execPath, argv, { env: { ...process.env, ...env }, timeout: 30_000 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  it('numbers ranks over the nodes, whichever comes first, and makes them one ring', async () => {
    const port = await freePort();
    const env = { TSRING_SECRET_FILE: secretFile() };
    const runs = await Promise.all([
      start(1, port, ['--nproc-per-node', '1'], env),
      start(0, port, ['--nproc-per-node', '2'], env),
    ]);
    for (const { code, stderr } of runs) assert.equal(code, 0, stderr);
    const told = runs.flatMap(({ stdout }) =>
      [...stdout.matchAll(/@result (.*)$/gm)].map(
        ([, json]) => JSON.parse(json!) as { rank: number; localRank: number; sum: number },
      ),
    );
    assert.deepEqual(
      told.sort((a, b) => a.rank - b.rank).map(({ rank, localRank, sum }) => [rank, localRank, sum]),
      [
        [0, 0, 6],
        [1, 1, 6],
        [2, 0, 6],
      ],
    );
  });

  it('needs a common secret, which nobody else can read', async () => {
    const none = await start(0, await freePort(), [], {});
    assert.match(
      none.stderr,
      /^tsrun: nodes that are started by hand need a common job secret: set TSRING_SECRET_FILE/,
    );
    const loose = await start(0, await freePort(), [], { TSRING_SECRET_FILE: secretFile(0o644) });
    assert.match(loose.stderr, /can be read or written by others \(mode 644\); chmod 600 it/);
    assert.deepEqual([none.code, loose.code], [1, 1]);
  });

  it('names the address where the nodes do not meet', async () => {
    const port = await freePort();
    const run = await start(1, port, ['--start-timeout', '1'], { TSRING_SECRET_FILE: secretFile() });
    assert.equal(run.code, 1);
    assert.match(run.stderr, new RegExp(`^tsrun: no connection to the store at localhost:${port} within 1000 ms`));
  });
});
