import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { EmulatedHosts } from '../bench/network/emulated-hosts.js';
import { readNote, writeNote } from '../lib/meeting-file.js';
import { freePort } from './helpers/free-port.js';
import { skipWithoutNetworks } from './helpers/netns.js';
import { ringError } from './helpers/ring-error.js';

interface Place {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly crossRank: number;
  readonly crossSize: number;
  readonly sum: number;
}

interface End {
  readonly code: number | null;
  readonly places: Place[];
  readonly stderr: string;
}

/** The same script, started by others. */
describe('without tsrun', function () {
  this.timeout(60_000);
  const ring = path.join(import.meta.dirname, 'scripts/launcher/ring.mjs');
  let folder: string;
  let secretFile: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tsring-without-'));
    secretFile = path.join(folder, 'secret');
    writeFileSync(secretFile, 'cd'.repeat(32), { mode: 0o600 });
  });
  after(() => rmSync(folder, { recursive: true }));

  async function endOf(child: ChildProcess): Promise<End> {
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const exited = once(child, 'exit') as Promise<[number | null]>;
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), exited]);
    clearTimeout(timer);
    const places = [...stdout.matchAll(/@result (.*)$/gm)].map(([, json]) => JSON.parse(json!) as Place);
    return { code, stderr, places: places.sort((a, b) => a.rank - b.rank) };
  }
  const start = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    endOf(
      spawn(argv[0]!, argv.slice(1), {
        env: { ...process.env, TSRING_START_TIMEOUT_MS: '20000', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  const node = (env: NodeJS.ProcessEnv) => start([process.execPath, ring], env);
  const isRing = ({ places, code, stderr }: End, size: number) => {
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      places.map(({ rank, size: told, sum }) => [rank, told, sum]),
      Array.from({ length: size }, (_, rank) => [rank, size, (size * (size + 1)) / 2]),
    );
  };
  const together = (ends: readonly End[]): End => ({
    code: Math.max(...ends.map(({ code }) => code ?? 255)),
    stderr: ends.map(({ stderr }) => stderr).join('\n'),
    places: ends.flatMap(({ places }) => places).sort((a, b) => a.rank - b.rank),
  });

  for (const [name, command, flags] of [
    ['Open MPI', 'mpirun.openmpi', ['--allow-run-as-root', '--oversubscribe']],
    ['MPICH', 'mpirun.mpich', []],
  ] as const) {
    it(`under ${name}, on one host with nothing said`, async function () {
      if (spawnSync(command, ['--version'], { stdio: 'ignore' }).status !== 0) {
        console.log(`      skipped: no ${command}`);
        return this.skip();
      }
      const notes = () => readdirSync(tmpdir()).filter((file) => /^tsring-\d+-[0-9a-f]{16}/.test(file));
      const before = notes();
      const end = await start([command, ...flags, '-n', '3', process.execPath, ring]);
      isRing(end, 3);
      for (const { rank, localRank, localSize, crossSize } of end.places) {
        assert.deepEqual([localRank, localSize, crossSize], [rank, 3, 1]);
      }
      assert.deepEqual(notes(), before, 'the file to meet at is gone');
    });
  }

  it('by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, with a secret in a file', async () => {
    const port = String(await freePort());
    const env = { WORLD_SIZE: '2', MASTER_ADDR: 'localhost', MASTER_PORT: port, TSRING_SECRET_FILE: secretFile };
    isRing(together(await Promise.all(['0', '1'].map((rank) => node({ ...env, RANK: rank })))), 2);
  });

  it('by TF_CONFIG', async () => {
    const cluster = { worker: [`127.0.0.1:${await freePort()}`, '127.0.0.1:1'] };
    const ends = [0, 1].map((index) =>
      node({ TF_CONFIG: JSON.stringify({ cluster, task: { type: 'worker', index } }), TSRING_SECRET_FILE: secretFile }),
    );
    isRing(together(await Promise.all(ends)), 2);
  });

  it('as an Indexed Job, at an address', async () => {
    const env = { TSRING_SIZE: '2', TSRING_RENDEZVOUS: `tcp://127.0.0.1:${await freePort()}` };
    const pod = (index: string) => node({ ...env, TSRING_SECRET_FILE: secretFile, JOB_COMPLETION_INDEX: index });
    isRing(together(await Promise.all(['1', '0'].map(pod))), 2);
  });

  it('by srun’s variables at a file, which an earlier job has left', async () => {
    const file = path.join(folder, 'meeting');
    const note = { generation: 0, jobId: 'old', secret: 'ef'.repeat(32), hosts: ['127.0.0.1'], port: 1 };
    writeNote(file, note);
    const env = { SLURM_STEP_ID: '0', SLURM_NTASKS: '2', TSRING_RENDEZVOUS: `file://${file}` };
    isRing(together(await Promise.all(['0', '1'].map((rank) => node({ ...env, SLURM_PROCID: rank })))), 2);
    assert.equal(existsSync(file), false);
  });

  it('over two hosts by a file: local ranks and addresses are found out', async function () {
    skipWithoutNetworks(this);
    await using network = await EmulatedHosts.create({ hosts: 3, rateMbit: 1000 });
    const file = path.join(folder, 'hosts');
    const env = {
      ...process.env,
      WORLD_SIZE: '4',
      TSRING_RENDEZVOUS: `file://${file}`,
      TSRING_START_TIMEOUT_MS: '20000',
    };
    const ends = [0, 1, 2, 3].map((rank) =>
      endOf(
        network.spawn(rank >> 1, [process.execPath, ring], {
          env: { ...env, RANK: String(rank) },
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      ),
    );
    const end = together(await Promise.all(ends));
    isRing(end, 4);
    assert.deepEqual(
      end.places.map(({ localRank, localSize, crossRank, crossSize }) => [localRank, localSize, crossRank, crossSize]),
      [
        [0, 2, 0, 2],
        [1, 2, 0, 2],
        [0, 2, 1, 2],
        [1, 2, 1, 2],
      ],
    );
  });

  it('says what is missing: a place to meet, a secret, a rank', async () => {
    const nowhere = await node({ RANK: '0', WORLD_SIZE: '2' });
    assert.match(
      nowhere.stderr,
      /RANK and WORLD_SIZE started 2 ranks, and nothing says where they meet: set TSRING_REND/,
    );
    const address = { MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(await freePort()) };
    const secretless = await node({ RANK: '0', WORLD_SIZE: '2', ...address });
    assert.match(secretless.stderr, /ranks that meet at 127\.0\.0\.1:\d+ need a common secret: set TSRING_SECRET_FILE/);
    const early = { TSRING_START_TIMEOUT_MS: '600', TSRING_RENDEZVOUS: `file://${path.join(folder, 'lonely')}` };
    const [first, last] = await Promise.all([
      node({ RANK: '0', WORLD_SIZE: '3', ...early }),
      node({ RANK: '1', WORLD_SIZE: '3', ...early, TSRING_RENDEZVOUS: `file://${folder}/elsewhere` }),
    ]);
    assert.match(first.stderr, /init: ranks 1, 2 of 3 did not come/);
    assert.match(last.stderr, /no ranks met at .*elsewhere in time; rank 0 has not written it/);
  });

  it('refuses a file to meet at that others can read, or that leads elsewhere', () => {
    const file = path.join(folder, 'loose');
    writeFileSync(file, '{}', { mode: 0o644 });
    assert.throws(() => readNote(file), ringError('RING_CONFIG', /can be read or written by others \(mode 644\)/));
    assert.equal(readNote(path.join(folder, 'missing')), undefined);
  });
});
