import { purposes } from './handshake.js';
import { type ListenOptions, ProvenServer } from './proven-server.js';
import { serveMember } from './store-member.js';
import { StoreTable } from './store-table.js';

/** Where the ranks of a job find each other: a small key-value store, served by the launcher. */
export class StoreServer {
  /** @throws RING_CONNECT if the address cannot be listened on */
  static async listen(options: ListenOptions): Promise<StoreServer> {
    const table = new StoreTable();
    const onMember = (stream: Parameters<typeof serveMember>[0]) => serveMember(stream, table);
    const server = await ProvenServer.listen({ ...options, what: 'store', purpose: purposes.store, onMember });
    return new StoreServer(server, table);
  }

  private constructor(
    private readonly server: ProvenServer,
    private readonly table: StoreTable,
  ) {}

  get port(): number {
    return this.server.port;
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
  close(): Promise<void> {
    return this.server.close();
  }
}
