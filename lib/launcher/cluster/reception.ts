import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { AgentLink } from '../agent-link.js';
import { pskOptions } from './psk.js';

/** A task of the cluster that has called. */
export interface Caller {
  readonly task: number;
  readonly hostname: string;
  readonly link: AgentLink;
}

/** More callers at a time than there are tasks are strangers. */
const spareConnections = 32;
const handshakeTimeoutMs = 10_000;

/** Where the tasks of a cluster call tsrun, each once; closed when all have. */
export class Reception {
  static async open(tasks: number, onCall: (caller: Caller) => void): Promise<Reception> {
    const reception = new Reception(tasks, onCall);
    reception.server.listen({ port: 0 });
    await once(reception.server, 'listening');
    return reception;
  }

  /** 64 hex digits, of use here alone. */
  readonly key = randomBytes(32).toString('hex');
  private readonly server: Server;
  private readonly called = new Set<number>();

  private constructor(
    private readonly tasks: number,
    private readonly onCall: (caller: Caller) => void,
  ) {
    const identities = new WeakMap<TLSSocket, string>();
    const pskCallback = (socket: TLSSocket, identity: string) => {
      identities.set(socket, identity);
      return Buffer.from(this.key, 'hex');
    };
    this.server = createServer({
      ...pskOptions,
      pskCallback,
      pskIdentityHint: '',
      handshakeTimeout: handshakeTimeoutMs,
    });
    this.server.maxConnections = tasks + spareConnections;
    this.server.on('secureConnection', (socket) => this.receive(socket, identities.get(socket) ?? ''));
    this.server.on('tlsClientError', (_error, socket: Socket) => socket.destroy()); // a stranger
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Those that have called stay connected. */
  close(): void {
    this.server.close();
  }

  private receive(socket: TLSSocket, identity: string): void {
    const [, digits = '', hostname = ''] = /^(\d{1,6})@(.+)$/s.exec(identity) ?? [];
    const task = Number(digits);
    socket.on('error', () => undefined); // 'close' follows
    if (hostname === '' || task >= this.tasks || this.called.has(task)) {
      socket.destroy();
      return;
    }
    this.called.add(task);
    this.onCall({ task, hostname, link: socketLink(socket, `task ${task} on ${hostname}`) });
    if (this.called.size === this.tasks) this.close();
  }
}

function socketLink(socket: TLSSocket, who: string): AgentLink {
  socket.setNoDelay();
  return {
    fromAgent: socket,
    toAgent: socket,
    origin: who,
    ended: new Promise((resolve) => socket.once('close', () => resolve('its connection has closed'))),
    kill: () => socket.destroy(),
    unref: () => socket.unref(),
  };
}
