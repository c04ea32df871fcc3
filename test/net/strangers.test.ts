import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { challengeBytes, makeProof, purposes } from '../../lib/net/handshake.js';
import { StoreClient } from '../../lib/net/store-client.js';
import { StoreServer } from '../../lib/net/store-server.js';

/** Whatever strangers send to the store's port, they get a closed socket, and a job beside them goes on. */
describe('strangers at the rendezvous store', () => {
  const job = { jobId: 'job-1', secret: randomBytes(32), encrypt: false };
  const identity = { purpose: purposes.store, rank: 0, generation: 0 };
  let server: StoreServer;
  let strangers: Socket[];
  let member: StoreClient;

  beforeEach(async () => {
    strangers = [];
    server = await StoreServer.listen({ host: '127.0.0.1', handshakeTimeoutMs: 300, maxStrangers: 20, ...job });
    member = await connect();
  });
  afterEach(async () => {
    await member.set('the job', 'goes on');
    assert.equal(await member.get('the job'), 'goes on');
    member.close();
    for (const socket of strangers) socket.destroy();
    await server.close();
  });

  function connect(changes: { secret?: Buffer; port?: number; timeoutMs?: number } = {}): Promise<StoreClient> {
    const place = { host: '127.0.0.1', port: server.port, rank: 0, generation: 0, timeoutMs: 5000 };
    return StoreClient.connect({ ...place, ...job, ...changes });
  }

  async function stranger(): Promise<{ socket: Socket; challenge: Buffer; closed: Promise<unknown> }> {
    const socket = createConnection({ host: '127.0.0.1', port: server.port });
    strangers.push(socket);
    socket.on('error', () => undefined);
    const closed = closing(socket);
    const [challenge] = (await once(socket, 'data')) as [Buffer];
    assert.equal(challenge.length, challengeBytes);
    return { socket, challenge, closed };
  }

  it('garbage of any length is answered with nothing', async () => {
    for (const length of [1, 95, 96, 97, 100_000]) {
      const { socket, closed } = await stranger();
      let answered = 0;
      socket.on('data', (chunk: Buffer) => (answered += chunk.length));
      socket.write(randomBytes(length));
      await closed; // at once from 96 bytes on, at the deadline below
      assert.equal(answered, 0);
    }
  });

  it('an idle one is closed at the deadline', async () => {
    const started = performance.now();
    const { closed } = await stranger();
    await closed;
    assert(performance.now() - started < 10_000);
  });

  it('a proof that was overheard is worth nothing on another connection', async () => {
    const first = await stranger();
    const proof = makeProof(first.challenge, identity, job);
    first.socket.write(proof);
    const [accept] = (await once(first.socket, 'data')) as [Buffer];
    assert.equal(accept.length, 40); // it was a good proof

    const second = await stranger();
    second.socket.on('data', () => assert.fail('the store took a replayed proof'));
    second.socket.write(proof);
    await second.closed;
  });

  it('any flipped bit spoils a proof, and so does a proof for another kind of link', async () => {
    for (const bit of [0, 33, 50, 70, 100, 130, 300, 96 * 8 - 1]) {
      const { socket, challenge, closed } = await stranger();
      const proof = makeProof(challenge, identity, job);
      proof.writeUInt8(proof.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      socket.on('data', () => assert.fail(`bit ${bit} does not count`));
      socket.write(proof);
      await closed;
    }
    const { socket, challenge, closed } = await stranger();
    socket.on('data', () => assert.fail('a data link got into the store'));
    socket.write(makeProof(challenge, { ...identity, purpose: purposes.data }, job));
    await closed;
  });

  it('a member that sends an oversized length, or no JSON, or no request, loses its own connection only', async () => {
    const frame = (text: string) => Buffer.concat([Buffer.from([text.length, 0, 0, 0]), Buffer.from(text)]);
    const badFrames = [
      Buffer.from('ffffffff00', 'hex'),
      frame('{{{'),
      frame('{"id":1,"op":"eval","key":"x"}'),
      frame('7'),
    ];
    for (const bytes of badFrames) {
      const { socket, challenge, closed } = await stranger();
      socket.write(makeProof(challenge, identity, job));
      await once(socket, 'data');
      socket.write(bytes);
      await closed;
    }
  });

  it('half a frame, then silence, disturbs nobody', async () => {
    const { socket, challenge } = await stranger();
    socket.write(makeProof(challenge, identity, job));
    await once(socket, 'data');
    socket.write(Buffer.from('000100007b22', 'hex'));
  });

  it('a flood of idle connections does not keep a rank out', async () => {
    const flood = Array.from({ length: 300 }, () => {
      const socket = createConnection({ host: '127.0.0.1', port: server.port });
      strangers.push(socket);
      return socket.on('error', () => undefined);
    });
    const late = await connect();
    assert.equal(await late.get('nothing'), undefined);
    late.close();
    for (const socket of flood) socket.resume();
    await Promise.all(flood.map(closing));
  });

  it('a server that is another program, silent, or does not know the secret is not trusted', async () => {
    const talk = async (onConnection: (socket: Socket) => void, timeoutMs = 5000) => {
      const impostor = createServer((socket) => {
        strangers.push(socket.on('error', () => undefined));
        onConnection(socket);
      });
      impostor.listen({ host: '127.0.0.1', port: 0 });
      await once(impostor, 'listening');
      const { port } = impostor.address() as { port: number };
      try {
        await connect({ port, timeoutMs });
      } finally {
        for (const socket of strangers) socket.destroy();
        impostor.close();
      }
    };
    await assert.rejects(
      talk((socket) => socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')),
      { code: 'RING_HANDSHAKE' },
    );
    await assert.rejects(
      talk(() => undefined, 200),
      { code: 'RING_TIMEOUT' },
    );
    const other = await StoreServer.listen({ host: '127.0.0.1', ...job, secret: randomBytes(32) });
    await assert.rejects(connect({ port: other.port }), { code: 'RING_HANDSHAKE' });
    await other.close();
  });
});

/** Resolves when the socket is closed, be it with an error or without. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));
}
