import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server does with one request for its file; `range` is where the client wants to go on. */
export type Behaviour = 'serve' | 'ignore range' | 'cut off' | 'silence' | 'not found';

/** Serves one file on a loopback port, and misbehaves on demand. */
export class FileServer {
  /** Where each request wanted to start. */
  readonly starts: number[] = [];

  private constructor(private readonly server: Server) {}

  /** @param behaviours - of the first requests, in order; `serve` from then on */
  static async of(content: Buffer, behaviours: Behaviour[] = []): Promise<FileServer> {
    const server = createServer((request, response) => {
      const behaviour = behaviours.shift() ?? 'serve';
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      self.starts.push(start);
      if (behaviour === 'silence') return;
      if (behaviour === 'not found') return void response.writeHead(404).end();
      const from = behaviour === 'ignore range' ? 0 : start;
      if (from >= content.length) return void response.writeHead(416).end();
      const body = content.subarray(from);
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length });
      if (behaviour === 'cut off') response.write(body.subarray(0, body.length / 2), () => response.destroy());
      else response.end(body);
    });
    const self = new FileServer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/file.whl`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
