import { workerData } from 'node:worker_threads';
import { RingError } from '../errors.js';
import { purposes } from '../net/handshake.js';
import { connectProven } from '../net/proven-client.js';
import { StoreClient } from '../net/store-client.js';
import { shareOf } from './layout.js';
import type { LinkCall, LinkData, LinkResult } from './link-calls.js';
import { ServerConnection } from './server-connection.js';
import { serverKey } from './server-key.js';

/*
 * The thread of a rank that speaks with the parameter servers, so that the one that trains can wait without an event loop: `fit` makes its
 * steps synchronously. It is told what to do by messages (link.ts), and wakes up who waits.
 */

const data = workerData as LinkData;
const signal = new Int32Array(data.signal);
const values = new Uint8Array(data.values);
/** What a server's own deadline may need to arrive, so that it, which says more, comes before ours. */
const graceMs = 5000;
const mostMs = 2 ** 31 - 1; // that a timer takes
const shares = Array.from({ length: data.servers }, (_, server) => {
  const { begin, length } = shareOf(values.length / 4, server, data.servers);
  return values.subarray(4 * begin, 4 * (begin + length));
});

const connected = connectAll();
connected.catch(() => undefined); // the first call tells
data.port.on('message', (call: LinkCall) => void carryOut(call));

async function carryOut(call: LinkCall): Promise<void> {
  const result = await outcome(call);
  data.port.postMessage(result);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

async function outcome(call: LinkCall): Promise<LinkResult> {
  const isStep = call.request.kind !== 'state';
  try {
    const connections = await connected;
    const asked = connections.map((connection, server) => {
      const own = call.withValues ? [shares[server]!] : [];
      return connection.ask(call.request, [...own, ...(call.more?.[server] ?? [])]);
    });
    if (!isStep) await Promise.allSettled(asked); // it may fail, and the job goes on
    const answers = await Promise.all(asked);
    if (call.request.kind === 'leave') connections.forEach((connection) => connection.close());
    return { answers };
  } catch (error) {
    const { code, message } =
      error instanceof RingError ? error : new RingError('RING_INTERNAL', `the link to the servers: ${String(error)}`);
    return { code, message, broken: isStep };
  }
}

async function connectAll(): Promise<ServerConnection[]> {
  const { rendezvous, encrypt, rank, startTimeoutMs } = data;
  const { store: at, jobId } = rendezvous;
  const deadline = performance.now() + startTimeoutMs;
  const leftMs = () => Math.max(1, Math.ceil(deadline - performance.now()));
  const job = { jobId, secret: Buffer.from(rendezvous.secret), encrypt, rank, generation: 0 };
  const store = await StoreClient.connect({ ...at, ...job, timeoutMs: leftMs() });
  try {
    const places = await store.waitAll(
      shares.map((_, server) => serverKey(server)),
      leftMs(),
    );
    return await Promise.all(
      places.map(async (place, server) => {
        const { host, port } = JSON.parse(place) as { host: string; port: number };
        const to = { ...job, host, port, what: 'parameter server', purpose: purposes.parameters };
        const stream = await connectProven({ ...to, timeoutMs: leftMs() });
        const name = `parameter server ${server} (${host}:${port})`;
        return new ServerConnection(stream, name, shares[server]!, Math.min(data.timeoutMs + graceMs, mostMs));
      }),
    );
  } finally {
    store.close();
  }
}
