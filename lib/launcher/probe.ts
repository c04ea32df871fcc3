import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server } from 'node:net';

/** Where a host can be tried, and the word by which it is known: an address such as a container bridge's can be on several hosts. */
export interface ProbeTarget {
  readonly host: string;
  /** In order of preference. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly word: string;
}

export interface Reached {
  readonly host: string;
  /** Those that answer. */
  readonly addresses: readonly string[];
  /** Why the others do not serve, as `address:port: reason`. */
  readonly failures: readonly string[];
}

/** Says a word to whoever connects, on all of this host's addresses, until closed. It reads nothing. */
export class ProbeListener {
  readonly word = randomUUID();

  static async open(): Promise<ProbeListener> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(listener.word);
      socket.resume();
    });
    const listener = new ProbeListener(server);
    server.listen({ port: 0 });
    await once(server, 'listening');
    server.unref();
    return listener;
  }

  private constructor(private readonly server: Server) {}

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
  }
}

/** Finds out by which of their addresses other hosts can be reached from here. */
export function probe(targets: readonly ProbeTarget[], timeoutMs: number): Promise<Reached[]> {
  return Promise.all(targets.map((target) => probeHost(target, timeoutMs)));
}

async function probeHost({ host, addresses, port, word }: ProbeTarget, timeoutMs: number): Promise<Reached> {
  const reasons = await Promise.all(addresses.map((address) => whyNot(address, port, word, timeoutMs)));
  return {
    host,
    addresses: addresses.filter((_, index) => reasons[index] === undefined),
    failures: addresses.flatMap((address, index) =>
      reasons[index] === undefined ? [] : [`${address}:${port}: ${reasons[index]}`],
    ),
  };
}

/** Undefined if `address:port` says `word`. */
function whyNot(address: string, port: number, word: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port });
    let said = '';
    const finish = (failure: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(failure);
    };
    const timer = setTimeout(() => finish(`no answer within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (said.length >= word.length) finish(said === word ? undefined : 'another host answers');
    });
    socket.on('end', () => finish(said === word ? undefined : 'another host answers'));
  });
}
