import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** Somebody on the way to a port on this host, who reads along and changes nothing. */
export class Eavesdropper implements AsyncDisposable {
  static async before(port: number): Promise<Eavesdropper> {
    const overheard: Buffer[] = [];
    const sockets = new Set<Socket>();
    const server = createServer((caller) => {
      const called = createConnection({ host: '127.0.0.1', port });
      for (const [from, to] of [
        [caller, called],
        [called, caller],
      ] as const) {
        sockets.add(from);
        from.on('data', (chunk: Buffer) => overheard.push(chunk));
        from.on('error', () => undefined).on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const close = async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    };
    return new Eavesdropper((server.address() as AddressInfo).port, overheard, close);
  }

  private constructor(
    /** Where to call. */
    readonly port: number,
    private readonly chunks: readonly Buffer[],
    private readonly close: () => Promise<void>,
  ) {}

  /** All that went either way, on all connections. */
  overheard(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
