import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TLSSocket } from 'node:tls';
import { loadAddon } from '../lib/native/load.js';
import { encryptions, makeChallenge } from '../lib/net/handshake.js';
import { StoreClient } from '../lib/net/store-client.js';
import { StoreServer } from '../lib/net/store-server.js';
import { Eavesdropper } from './helpers/eavesdropper.js';
import { ringError } from './helpers/ring-error.js';
import { startRanks } from './helpers/start-ranks.js';
import { tsrun } from './helpers/tsrun.js';

const host = '127.0.0.1';
const job = { jobId: 'job', secret: randomBytes(32) };
const place = { host, rank: 0, generation: 0, timeoutMs: 20_000 };

describe('encrypt', function () {
  this.timeout(60_000);

  it('shows nothing of tensors, or of what is agreed on, to who reads along between two ranks', async () => {
    for (const encrypt of [false, true]) {
      const text = (await overheardBetweenRanks(encrypt)).toString('latin1');
      // Without encryption all of it is there, or this test would see nothing anyway.
      for (const told of ['a-large-one', 'a-small-one', 'name-of-a-variable']) {
        assert.equal(text.includes(told), !encrypt, `${told}, encrypt ${encrypt}`);
      }
      assert(text.length > 1_000_000);
    }
  });

  it('shows nothing of what ranks tell each other at the store', async () => {
    for (const encrypt of [false, true]) {
      const server = await StoreServer.listen({ host, ...job, encrypt });
      try {
        await using between = await Eavesdropper.before(server.port);
        const client = await StoreClient.connect({ ...place, ...job, encrypt, port: between.port });
        await client.set('some-key', 'some-value');
        assert.equal(await client.get('some-key'), 'some-value');
        client.close();
        const text = between.overheard().toString('latin1');
        assert.equal(text.includes('some-key'), !encrypt);
        assert.equal(text.includes('some-value'), !encrypt);
      } finally {
        await server.close();
      }
    }
  });

  it('gives the same bits as without, through all links, and several sockets with checksums', async () => {
    const run = (...flags: string[]) =>
      tsrun({
        np: 3,
        script: 'scripts/allreduce-digest.ts',
        flags: [...flags, '--transport', 'tcp'],
        timeoutMs: 30_000,
      });
    const [plain, encrypted] = [await run(), await run('--encrypt')];
    const striped = await run('--encrypt', '--checksum', '--sockets', '3');
    const digests = [...plain.ranks, ...encrypted.ranks, ...striped.ranks].map(({ result }) => result);
    assert.equal(digests.length, 9);
    assert.equal(new Set(digests).size, 1);
    assert.equal(typeof digests[0], 'string');
  });

  it('is refused on all ranks, which name those that encrypt and those that do not', async () => {
    const ends = await startRanks({
      np: 3,
      script: 'scripts/join-ring.ts',
      env: (rank) => ({ TSRING_ENCRYPT: String(rank === 1) }),
      timeoutMs: 30_000,
    });
    for (const { result } of ends) {
      const { code, message } = result as { code?: string; message?: string };
      assert.equal(code, 'RING_MISMATCH');
      assert.match(
        message!,
        /^init: `encrypt` is false on ranks 0, 2, true on rank 1; give all ranks the same .*--encrypt/,
      );
    }
  });

  it('of the store alone or of a rank alone is refused before anything is told', async () => {
    const server = await StoreServer.listen({ host, ...job, encrypt: true });
    try {
      const plain = StoreClient.connect({ ...place, ...job, encrypt: false, port: server.port });
      await assert.rejects(plain, ringError('RING_HANDSHAKE', /store at 127.0.0.1:\d+ encrypts, and rank 0 does not/));
    } finally {
      await server.close();
    }
    await withServer(
      createServer((socket) => socket.on('error', () => undefined).write(makeChallenge(encryptions.none))),
      async (port) => {
        const encrypted = StoreClient.connect({ ...place, ...job, encrypt: true, port });
        await assert.rejects(encrypted, ringError('RING_HANDSHAKE', /does not encrypt, and rank 0 does/));
      },
    );
  });

  it('takes no certificate for the secret', async function () {
    const folder = mkdtempSync(path.join(tmpdir(), 'tsring-certificate-'));
    try {
      const [key, cert] = ['key', 'cert'].map((name) => path.join(folder, name));
      const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
      const made = spawnSync('openssl', [...kind, '-subj', '/CN=127.0.0.1', '-keyout', key!, '-out', cert!]);
      if (made.status !== 0) {
        console.log('      skipped: openssl, which makes certificates, is not there');
        return this.skip();
      }
      const identity = { key: readFileSync(key!), cert: readFileSync(cert!) };
      const impostor = createServer((socket) => {
        socket.on('error', () => undefined).write(makeChallenge(encryptions.required));
        new TLSSocket(socket, { isServer: true, ...identity }).on('error', () => undefined);
      });
      await withServer(impostor, async (port) => {
        const caller = StoreClient.connect({ ...place, ...job, encrypt: true, port });
        await assert.rejects(caller, ringError('RING_HANDSHAKE', /wrong job secret/));
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Two ranks in this process; the second calls the first by way of somebody who reads along. */
async function overheardBetweenRanks(encrypt: boolean): Promise<Buffer> {
  const { Session } = loadAddon();
  const common = { ...job, encrypt, sockets: 1, size: 2, generation: 0, hostname: 'here', timeoutMs: 20_000 };
  const limits = { mostSockets: 1, heartbeatTimeoutMs: 20_000, fusionThresholdBytes: 1 << 20, cacheCapacity: 16 };
  const kind = { transport: 'tcp', logLevel: 'error' } as const;
  const sessions = [0, 1].map((rank) => new Session({ ...common, ...limits, ...kind, rank }));
  try {
    const peers = sessions.map((session) => ({ host, port: session.listen(host), hostname: 'here', hostId: '' }));
    await using between = await Eavesdropper.before(peers[0]!.port);
    const called = [{ ...peers[0]!, port: between.port }, peers[1]!];
    await Promise.all([sessions[0]!.connect(peers, 20_000), sessions[1]!.connect(called, 20_000)]);
    for (const [text, bytes] of [
      ['a-large-one', 1 << 20],
      ['a-small-one', 44],
    ] as const) {
      // What is received is the sum with the other's zeros, and what is sent has the text in it.
      const arrays = [Buffer.alloc(bytes, text), Buffer.alloc(bytes)].map((buffer) => new Uint8Array(buffer));
      const sums = sessions.map((session, rank) =>
        session.promise(
          session.submit({
            ...{ kind: 'allreduce', op: 'sum', name: 'name-of-a-variable', dtype: 'uint8' },
            shapes: [[bytes]],
            inputs: [arrays[rank]!],
          }),
        ),
      );
      for (const { buffers } of await Promise.all(sums)) {
        assert.deepEqual(new Uint8Array(buffers![0]!), arrays[0]);
      }
    }
    return between.overheard();
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

async function withServer(server: Server, use: (port: number) => Promise<void>): Promise<void> {
  const sockets: { destroy(): void }[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
