import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { RingError } from '../errors.js';
import { answerTls, tlsFirstByte } from './encryption.js';
import {
  checkProof,
  encryptions,
  type JobCredentials,
  makeAccept,
  makeChallenge,
  proofBytes,
  purposes,
} from './handshake.js';
import { serveMember } from './store-member.js';
import { StoreTable } from './store-table.js';

export interface StoreServerOptions extends JobCredentials {
  /** Address to listen on. Default: all of this host's. */
  readonly host?: string;
  /** Default: the system's choice. */
  readonly port?: number;
  /** Take encrypted connections only; else whoever calls may choose. */
  readonly encrypt: boolean;
  /** How long a connection may take to prove itself. */
  readonly handshakeTimeoutMs?: number;
  /** Connections that have not proved themselves yet; one more closes the oldest. */
  readonly maxStrangers?: number;
}

/**
 * Where the ranks of a job find each other: a small key-value store, served by the launcher.
 *
 * A stranger gets a challenge and then a closed socket, whatever it sends. Strangers beyond `maxStrangers` push out the
 * oldest of their own kind, which has had most time to prove itself: a flood of idle connections cannot lock ranks out.
 */
export class StoreServer {
  private readonly table = new StoreTable();
  private readonly strangers = new Set<Socket>(); // in order of arrival
  private readonly members = new Set<Socket>();
  private readonly handshakeTimeoutMs: number;
  private readonly maxStrangers: number;

  /** @throws RING_CONNECT if the address cannot be listened on */
  static async listen(options: StoreServerOptions): Promise<StoreServer> {
    const server = createServer({ noDelay: true });
    const { host, port = 0 } = options;
    server.listen(host === undefined ? { port } : { host, port });
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new RingError(
        'RING_CONNECT',
        `the store cannot listen on ${host ?? 'all addresses'}, port ${port}: ${reason(cause)}`,
        { cause },
      );
    }
    return new StoreServer(server, options);
  }

  private constructor(
    private readonly server: Server,
    private readonly job: StoreServerOptions,
  ) {
    this.handshakeTimeoutMs = job.handshakeTimeoutMs ?? 5000;
    this.maxStrangers = job.maxStrangers ?? 256;
    server.on('connection', (socket) => this.welcome(socket));
    server.on('error', () => undefined); // a failed accept (no descriptor left) costs that connection, not the store
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** As a member would. */
  set(key: string, value: string): void {
    this.table.set(key, value);
  }

  /** All that is in the store now. */
  values(): Map<string, string> {
    return this.table.all();
  }

  /** Closes every connection, and resolves when the port is free. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of [...this.strangers, ...this.members]) socket.destroy();
    await closed;
  }

  private welcome(socket: Socket): void {
    const challenge = makeChallenge(this.job.encrypt ? encryptions.required : encryptions.offered);
    const deadline = setTimeout(() => socket.destroy(), this.handshakeTimeoutMs);
    this.strangers.add(socket);
    socket.once('close', () => {
      clearTimeout(deadline);
      this.strangers.delete(socket);
    });
    socket.on('error', () => undefined); // 'close' follows, and says all there is to know
    socket.write(challenge);
    this.chooseStream(socket, (stream) => {
      readProof(stream, (proof) => {
        clearTimeout(deadline);
        this.admit(socket, stream, challenge, proof);
      });
    });

    const [oldest] = this.strangers;
    if (this.strangers.size > this.maxStrangers) oldest?.destroy();
  }

  /** What the other side's proof comes on: the socket itself, or TLS on it. */
  private chooseStream(socket: Socket, use: (stream: Socket) => void): void {
    const encrypted = () => {
      const stream = answerTls(socket, this.job);
      use(stream.on('error', () => socket.destroy()));
    };
    if (this.job.encrypt) {
      encrypted();
      return;
    }
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null;
      if (first === null) return; // it ends before it began
      socket.unshift(first);
      if (first[0] === tlsFirstByte) encrypted();
      else use(socket);
    });
  }

  private admit(socket: Socket, stream: Socket, challenge: Buffer, proof: Buffer): void {
    const client = checkProof(challenge, proof, this.job);
    if (client?.purpose !== purposes.store) {
      socket.destroy();
      return;
    }
    this.strangers.delete(socket);
    this.members.add(socket);
    socket.once('close', () => this.members.delete(socket));
    stream.setKeepAlive(true, 10_000);
    stream.write(makeAccept(challenge, proof, this.job));
    serveMember(stream, this.table);
  }
}

/** A member waits for our accept, so bytes behind a proof spoil it. */
function readProof(stream: Socket, take: (proof: Buffer) => void): void {
  let received = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < proofBytes) return;
    stream.off('data', onData);
    take(received);
  };
  stream.on('data', onData);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
