import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { RingError } from '../errors.js';
import { answerTls, tlsFirstByte } from './encryption.js';
import {
  checkProof,
  type ClientIdentity,
  encryptions,
  type JobCredentials,
  makeAccept,
  makeChallenge,
  proofBytes,
  type Purpose,
} from './handshake.js';

export interface ListenOptions extends JobCredentials {
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

export interface ProvenServerOptions extends ListenOptions {
  /** For messages: `store`. */
  readonly what: string;
  /** Of the connections that are let in. */
  readonly purpose: Purpose;
  /** Gets the connection of each member, which has been told that it is one. */
  readonly onMember: (stream: Socket, identity: ClientIdentity) => void;
}

/**
 * Listens for members of a job, and lets nobody else in.
 *
 * A stranger gets a challenge and then a closed socket, whatever it sends. Strangers beyond `maxStrangers` push out the
 * oldest of their own kind, which has had most time to prove itself: a flood of idle connections cannot lock members out.
 */
export class ProvenServer {
  private readonly strangers = new Set<Socket>(); // in order of arrival
  private readonly members = new Set<Socket>();
  private readonly handshakeTimeoutMs: number;
  private readonly maxStrangers: number;

  /** @throws RING_CONNECT if the address cannot be listened on */
  static async listen(options: ProvenServerOptions): Promise<ProvenServer> {
    const server = createServer({ noDelay: true });
    const { host, port = 0, what } = options;
    server.listen(host === undefined ? { port } : { host, port });
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new RingError(
        'RING_CONNECT',
        `the ${what} cannot listen on ${host ?? 'all addresses'}, port ${port}: ${reason(cause)}`,
        { cause },
      );
    }
    return new ProvenServer(server, options);
  }

  private constructor(
    private readonly server: Server,
    private readonly options: ProvenServerOptions,
  ) {
    this.handshakeTimeoutMs = options.handshakeTimeoutMs ?? 5000;
    this.maxStrangers = options.maxStrangers ?? 256;
    server.on('connection', (socket) => this.welcome(socket));
    server.on('error', () => undefined); // a failed accept (no descriptor left) costs that connection, not the server
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Closes every connection, and resolves when the port is free. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of [...this.strangers, ...this.members]) socket.destroy();
    await closed;
  }

  private welcome(socket: Socket): void {
    const challenge = makeChallenge(this.options.encrypt ? encryptions.required : encryptions.offered);
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
      const stream = answerTls(socket, this.options);
      use(stream.on('error', () => socket.destroy()));
    };
    if (this.options.encrypt) {
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
    const client = checkProof(challenge, proof, this.options);
    if (client?.purpose !== this.options.purpose) {
      socket.destroy();
      return;
    }
    this.strangers.delete(socket);
    this.members.add(socket);
    socket.once('close', () => this.members.delete(socket));
    stream.setKeepAlive(true, 10_000);
    stream.write(makeAccept(challenge, proof, this.options));
    this.options.onMember(stream, client);
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
