import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileServer } from './file-server.js';
import { temporaryFolder } from './temporary-folder.js';
import { zipOf } from './zip.js';

const command = fileURLToPath(new URL('../../bin/tsring-setup-tensorflow', import.meta.url));

interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

describe('tsring-setup-tensorflow', () => {
  const folder = temporaryFolder();
  const bin = () => join(folder(), 'bin');
  const cache = () => join(folder(), 'cache');
  const wheel = zipOf({
    'tensorflow/libtensorflow_cc.so.2': 'library',
    'tensorflow/libtensorflow_framework.so.2': 'framework',
    'tensorflow/include/tensorflow/c/c_api.h': '// header',
    'tensorflow/python/big.py': 'not needed',
  });

  beforeEach(() => {
    mkdirSync(bin());
    for (const part of ['binding', ''])
      mkdirSync(join(folder(), 'node_modules/@tensorflow/tfjs-node', part), { recursive: true });
    writeFileSync(join(folder(), 'node_modules/@tensorflow/tfjs-node/package.json'), '{ "version": "4.22.0" }');
  });

  /** In a project with a tfjs-node of no content, with no programs but those of `bin`. */
  function run(args: string[] = [], env: Record<string, string> = {}): Promise<Run> {
    const child = spawn(process.execPath, [command, ...args], {
      cwd: folder(),
      env: { PATH: bin(), TSRING_CACHE: cache(), HOME: folder(), ...env },
      timeout: 30_000,
    });
    const result: Run = { status: null, stdout: '', stderr: '' };
    child.stdout.on('data', (text: Buffer) => (result.stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (result.stderr += text.toString()));
    return new Promise((resolve) => child.on('close', (status) => resolve({ ...result, status })));
  }

  /** A python3 whose pip knows one wheel, as `pip install --report` tells it. */
  function installPip(url: string, sha256: string): void {
    const report = {
      install: [
        {
          metadata: { name: 'tensorflow-cpu', version: '2.20.0' },
          download_info: { url, archive_info: { hash: `sha256=${sha256}` } },
        },
      ],
    };
    const answer = `case "$*" in *--report*) echo '${JSON.stringify(report)}';; esac`;
    writeFileSync(join(bin(), 'python3'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
  }

  it('says in one line that pip is missing, and succeeds all the same where that is optional', async () => {
    const needed = await run();
    assert.equal(needed.status, 1);
    assert.match(needed.stderr, /^tsring: cannot set up the tensorflow backend: python3 with pip is needed[^\n]*\n$/);
    assert.equal(needed.stdout, '');
    const optional = await run(['--optional']);
    assert.deepEqual([optional.status, optional.stderr], [0, '']);
    assert.match(
      optional.stdout,
      /^tsring: going on without the tensorflow backend: python3 with pip is needed[^\n]*\n$/,
    );
  });

  it('says in one line that pip reaches no wheel', async () => {
    const offline = '[ "$3" = --version ] && exit; echo "ERROR: No matching distribution found" >&2; exit 1';
    writeFileSync(join(bin(), 'python3'), `#!/bin/sh\n${offline}\n`, { mode: 0o755 });
    const { status, stdout, stderr } = await run(['--optional']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^tsring: going on without [^\n]*No matching distribution found\n$/);
  });

  it('tells how to install tfjs-node where there is none', async () => {
    writeFileSync(join(folder(), 'node_modules/@tensorflow/tfjs-node/package.json'), '');
    const { stderr } = await run();
    assert.match(stderr, /npm install --ignore-scripts @tensorflow\/tfjs-node\n$/);
  });

  it('unpacks what is needed once, and misses a compiler in one line', async () => {
    const server = await FileServer.of(wheel);
    try {
      installPip(server.url, createHash('sha256').update(wheel).digest('hex'));
      for (const attempt of [1, 2]) {
        const { status, stderr } = await run();
        assert.equal(status, 1);
        assert.match(stderr, /^tsring: [^\n]*C\+\+ compiler is needed[^\n]*\n$/, `attempt ${attempt}`);
      }
      assert.deepEqual(server.starts, [0]);
      const [entry = ''] = readdirSync(cache()).filter((name) => name !== 'downloads');
      const unpacked = join(cache(), entry, 'tensorflow');
      assert.equal(readFileSync(join(unpacked, 'libtensorflow_cc.so.2'), 'utf8'), 'library');
      assert.ok(existsSync(join(unpacked, 'include/tensorflow/c/c_api.h')) && !existsSync(join(unpacked, 'python')));
      assert.deepEqual(readdirSync(join(cache(), 'downloads')), []);
    } finally {
      await server.close();
    }
  });

  it('refuses a wheel with the wrong hash and keeps nothing of it', async () => {
    const server = await FileServer.of(wheel);
    try {
      installPip(server.url, '0'.repeat(64));
      const { status, stderr } = await run();
      assert.equal(status, 1);
      assert.match(stderr, /^tsring: [^\n]*does not have the promised bytes[^\n]*\n$/);
      assert.deepEqual(readdirSync(join(cache(), 'downloads')), []);
    } finally {
      await server.close();
    }
  });

  it('names the compiler error and the file with all of it', async () => {
    const server = await FileServer.of(wheel);
    try {
      installPip(server.url, createHash('sha256').update(wheel).digest('hex'));
      const compiler = '[ "$1" = --version ] && exit; echo "x.cc:1: error: no such luck" >&2; echo more >&2; exit 1';
      writeFileSync(join(bin(), 'my-c++'), `#!/bin/sh\n${compiler}\n`, { mode: 0o755 });
      const { stderr } = await run([], { CXX: 'my-c++' });
      const log = /does not compile: x.cc:1: error: no such luck \(all of it: (.*)\)\n$/.exec(stderr)?.[1];
      assert.match(readFileSync(log ?? stderr, 'utf8'), /more/);
    } finally {
      await server.close();
    }
  });

  it('finds the tfjs-node of this repository set up, or leaves it', async function () {
    const { PATH = '' } = process.env;
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const binding = join(root, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node');
    if (!existsSync(binding)) {
      console.log('      skipped, as the tensorflow backend is not set up here');
      return this.skip();
    }
    const env = { PATH: `${bin()}${delimiter}${PATH}`, TSRING_CACHE: cache() };
    const child = spawn(process.execPath, [command], { cwd: root, env, timeout: 30_000 });
    let stdout = '';
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    const status = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(status, 0);
    assert.match(stdout, /^tsring: tfjs-node [\d.]+ runs on TensorFlow [\d.]+ already\n$/);
    assert.ok(!existsSync(cache()));
  });
});
