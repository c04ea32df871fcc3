import type { Socket } from 'node:net';
import { RingError } from '../errors.js';
import { encodeFrame, FrameReader } from './frames.js';
import { type JobCredentials, purposes } from './handshake.js';
import { connectProven } from './proven-client.js';
import { isStoreReply, type StoreReply, type StoreRequest } from './store-messages.js';

export interface StoreClientOptions extends JobCredentials {
  readonly host: string;
  readonly port: number;
  readonly rank: number;
  readonly generation: number;
  readonly encrypt: boolean;
  /** Deadline of connecting, and of each request that does not bring its own. */
  readonly timeoutMs: number;
  /** Whoever serves the store may come later than we: where nobody listens, try again until the deadline. */
  readonly awaitServer?: boolean;
}

/** One rank's connection to the job's store. It keeps the process alive only while a request is under way. */
export class StoreClient {
  private readonly pending = new Map<number, (reply: StoreReply | RingError) => void>();
  private readonly reader = new FrameReader();
  private readonly ends: { readonly local: string; readonly remote: string };
  private nextId = 0;
  private lost: RingError | undefined;

  /** @throws RING_CONNECT: nobody listens; RING_HANDSHAKE: wrong secret or job, or another program; RING_TIMEOUT */
  static async connect(options: StoreClientOptions): Promise<StoreClient> {
    return new StoreClient(await connectProven({ ...options, what: 'store', purpose: purposes.store }), options);
  }

  private constructor(
    private readonly socket: Socket,
    private readonly options: StoreClientOptions,
  ) {
    const plain = (address: string | undefined) => (address ?? '').replace(/^::ffff:/, '');
    this.ends = { local: plain(socket.localAddress), remote: plain(socket.remoteAddress) };
    socket.setKeepAlive(true, 10_000);
    socket.unref();
    if (socket.destroyed) this.fail('it closed the connection');
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.fail(error.message));
    socket.on('close', () => this.fail('it closed the connection'));
  }

  /** Our end of the connection: the address by which the store's host sees us. */
  get localAddress(): string {
    return this.ends.local;
  }

  /** The store's end, as a number. */
  get remoteAddress(): string {
    return this.ends.remote;
  }

  /** @throws RING_CONNECT: the store is gone; RING_TIMEOUT: it does not answer */
  async set(key: string, value: string): Promise<void> {
    await this.request({ op: 'set', key, value }, this.options.timeoutMs);
  }

  /** The key's value, or undefined if nobody has set it. @throws as `set` */
  async get(key: string): Promise<string | undefined> {
    return (await this.request({ op: 'get', key }, this.options.timeoutMs)).value;
  }

  /** The values of all `keys`, in their order, once every one is set. @throws RING_TIMEOUT naming the missing keys; RING_CONNECT */
  async waitAll(keys: readonly string[], timeoutMs: number): Promise<string[]> {
    const replies = await Promise.all(
      keys.map((key) => this.request({ op: 'wait', key, timeoutMs }, timeoutMs + graceMs)),
    );
    const missing = keys.filter((_, index) => replies[index]?.value === undefined);
    if (missing.length > 0) {
      throw new RingError(
        'RING_TIMEOUT',
        `after ${timeoutMs} ms the store at ${address(this.options)} still has no ${missing.join(', ')}`,
      );
    }
    return replies.map((reply) => reply.value ?? '');
  }

  close(): void {
    this.fail('we closed the connection');
    this.socket.destroy();
  }

  private request(body: Omit<StoreRequest, 'id'>, timeoutMs: number): Promise<StoreReply> {
    if (this.lost) return Promise.reject(this.lost);
    const frame = encodeFrame({ id: this.nextId, ...body });
    const id = this.nextId++;
    this.socket.ref();
    this.socket.write(frame);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const where = address(this.options);
        settle(new RingError('RING_TIMEOUT', `no answer from the store at ${where} within ${timeoutMs} ms`));
      }, timeoutMs);
      const settle = (reply: StoreReply | RingError) => {
        clearTimeout(timer);
        this.pending.delete(id);
        if (this.pending.size === 0) this.socket.unref();
        if (reply instanceof RingError) reject(reply);
        else resolve(reply);
      };
      this.pending.set(id, settle);
    });
  }

  private receive(chunk: Buffer): void {
    try {
      for (const message of this.reader.push(chunk)) {
        if (!isStoreReply(message)) throw new RingError('RING_HANDSHAKE', 'not a store reply');
        this.pending.get(message.id)?.(message);
      }
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
      this.socket.destroy();
    }
  }

  private fail(why: string): void {
    this.lost ??= new RingError('RING_CONNECT', `the store at ${address(this.options)} is lost: ${why}`);
    for (const settle of [...this.pending.values()]) settle(this.lost);
  }
}

/** What the store's own answer `timeout` may need to arrive, so that it, and not our silence timer, ends a wait. */
const graceMs = 5000;

function address({ host, port }: { host: string; port: number }): string {
  return `${host}:${port}`;
}
