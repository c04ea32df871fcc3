import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import type { DType, NativeSession, PeerAddress, ReduceOp } from '../../lib/native/binding.js';
import { loadAddon } from '../../lib/native/load.js';
import { ringError } from '../helpers/ring-error.js';

const host = '127.0.0.1';

interface Changed {
  readonly secret?: Uint8Array;
  readonly jobId?: string;
  readonly generation?: number;
}

/** Sessions of one ring in this process, listening and not yet connected. */
function ringOf(size: number, changed: (rank: number) => Changed = () => ({})): [NativeSession[], PeerAddress[]] {
  const { Session } = loadAddon();
  const secret = randomBytes(32);
  const sessions = Array.from({ length: size }, (_, rank) => {
    const common = {
      size,
      jobId: 'job',
      secret,
      generation: 0,
      hostname: 'here',
      timeoutMs: 10_000,
      heartbeatTimeoutMs: 10_000,
    };
    return new Session({
      ...common,
      rank,
      fusionThresholdBytes: 1 << 20,
      cacheCapacity: 16,
      transport: 'auto',
      sockets: 1,
      mostSockets: 1,
      encrypt: false,
      logLevel: 'error',
      ...changed(rank),
    });
  });
  return [
    sessions,
    sessions.map((session) => ({ host, port: session.listen(host), hostname: 'here', hostId: 'here' })),
  ];
}

function sumOf(session: NativeSession, value: number): Promise<number> {
  const ticket = session.submit({
    ...{ kind: 'allreduce', op: 'sum', name: 'sum', dtype: 'int32' },
    shapes: [[1]],
    inputs: [Int32Array.of(value)],
  });
  return session.promise(ticket).then(({ buffers }) => new Int32Array(buffers![0]!)[0]!);
}

describe('native session', () => {
  it('joins others in the same process', async () => {
    const [sessions, peers] = ringOf(3);
    await Promise.all(sessions.map((session) => session.connect(peers, 10_000)));
    assert.deepEqual(await Promise.all(sessions.map((session, rank) => sumOf(session, rank))), [3, 3, 3]);
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('refuses what is not an allreduce of one array, by name', async () => {
    const [[session], peers] = ringOf(1);
    await session!.connect(peers, 10_000);
    const reduce = session!.reduce.bind(session!) as (...args: unknown[]) => unknown;
    const number = (...args: unknown[]) => loadAddon().reductionNumber(...(args as [DType, ReduceOp]));
    const sum = (dtype: string) => number(dtype, 'sum');
    const two = Float32Array.of(1, 2);
    const wrong: [args: unknown[], message: RegExp][] = [
      [[7, sum('float32'), two, two], /name must be a string/],
      [['x', 'sum', two, two], /number must be a reductionNumber/],
      [['x', 1000, two, two], /number must be a reductionNumber/],
      [['x', sum('int32'), two, two], /input is not the typed array of dtype int32/],
      [['x', sum('float32'), [1, 2], two], /input must be a typed array/],
      [['x', sum('float32'), two, new Float32Array(1)], /output must be as long as input/],
    ];
    for (const [args, message] of wrong) assert.throws(() => reduce(...args), message);
    assert.throws(() => sum('float31'), /dtype: "float31" is not one of .*float32/);
    assert.throws(() => number('float32', 'total'), /op: "total" is not one of .*sum/);
    assert.deepEqual(new Float32Array(reduce('x', sum('float32'), two) as ArrayBuffer), two);
    await session!.close();
  });

  const strangers: [what: string, changed: Changed][] = [
    ['a wrong secret', { secret: randomBytes(32) }],
    ['another job', { jobId: 'another job' }],
    ['another generation', { generation: 1 }],
  ];
  for (const [what, changed] of strangers) {
    it(`refuses a rank with ${what}`, async () => {
      const [sessions, peers] = ringOf(2, (rank) => (rank === 1 ? changed : {}));
      const ends = await Promise.allSettled(sessions.map((session) => session.connect(peers, 1500)));
      for (const end of ends) assert.equal(end.status, 'rejected');
      const codes = ends.map((end) => (end as PromiseRejectedResult).reason as { code: string; message: string });
      assert.ok(
        codes.some(({ code }) => code === 'RING_HANDSHAKE'),
        codes.map(({ code, message }) => `${code}: ${message}`).join('\n'),
      );
      await Promise.all(sessions.map((session) => session.close()));
    });
  }

  it('is not disturbed by strangers at its port, before it connects and after', async () => {
    const [sessions, peers] = ringOf(2);
    const ports = peers.map(({ port }) => port);
    const oversized = Buffer.alloc(64, 0xff);
    const noise = [randomBytes(1), randomBytes(40), randomBytes(96), randomBytes(5000), oversized, Buffer.alloc(0)];
    const before = await Promise.all(ports.flatMap((port) => noise.map((bytes) => send(port, bytes))));
    await Promise.all(sessions.map((session) => session.connect(peers, 10_000)));
    const after = await Promise.all(ports.flatMap((port) => noise.map((bytes) => send(port, bytes))));
    assert.deepEqual(await Promise.all(sessions.map((session, rank) => sumOf(session, rank + 1))), [3, 3]);
    for (const socket of [...before, ...after]) socket.destroy();
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('names the peer that nobody answers for', async () => {
    const [[first], peers] = ringOf(2);
    const free = net.createServer().listen(0, host);
    await once(free, 'listening');
    const { port } = free.address() as net.AddressInfo;
    free.close();
    await once(free, 'close');
    const failed = first!.connect([peers[0]!, { ...peers[1]!, port }], 1000);
    await assert.rejects(failed, (error: { code: string; message: string }) => {
      assert.ok(['RING_CONNECT', 'RING_TIMEOUT'].includes(error.code), error.code);
      assert.match(error.message, /rank 1/);
      return true;
    });
    await first!.close();
  });

  it('refuses operations after close', async () => {
    const [sessions, peers] = ringOf(2);
    await Promise.all(sessions.map((session) => session.connect(peers, 10_000)));
    await Promise.all(sessions.map((session) => session.close()));
    await assert.rejects(
      Promise.resolve().then(() => sumOf(sessions[0]!, 1)),
      ringError('RING_SHUT_DOWN'),
    );
  });
});

/** A connection that has sent `bytes` and stays open; or could not be made, where the listener is closed already. */
async function send(port: number, bytes: Buffer): Promise<net.Socket> {
  const socket = net.connect(port, host);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}
