import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { RingError } from '../../lib/errors.js';
import { StoreClient } from '../../lib/net/store-client.js';
import { StoreServer } from '../../lib/net/store-server.js';

for (const encrypt of [false, true]) {
  describe(`the rendezvous store${encrypt ? ', encrypted' : ''}`, () => {
    const job = { jobId: 'job-1', secret: randomBytes(32), encrypt };
    let server: StoreServer;
    let clients: StoreClient[];

    beforeEach(async () => {
      server = await StoreServer.listen({ host: '127.0.0.1', ...job });
      clients = [];
    });
    afterEach(async () => {
      for (const client of clients) client.close();
      await server.close();
    });

    async function connect(changes: Partial<Parameters<typeof StoreClient.connect>[0]> = {}): Promise<StoreClient> {
      const place = { host: '127.0.0.1', port: changes.port ?? server.port, rank: 0, generation: 0, timeoutMs: 5000 };
      const client = await StoreClient.connect({ ...place, ...job, ...changes });
      clients.push(client);
      return client;
    }

    it('hands a value from one rank to another', async () => {
      const [first, second] = [await connect(), await connect({ rank: 1 })];
      await first.set('greeting', 'hello äöü 🌍');
      assert.equal(await second.get('greeting'), 'hello äöü 🌍');
      assert.equal(await second.get('nothing'), undefined);
    });

    it('brings everyone together, whoever comes first', async () => {
      const ranks = [...Array(8).keys()];
      const keys = ranks.map((rank) => `address/0/${rank}`);
      const found = await Promise.all(
        ranks.map(async (rank) => {
          const client = await connect({ rank });
          await client.set(`address/0/${rank}`, `value ${rank}`);
          return client.waitAll(keys, 5000);
        }),
      );
      for (const values of found)
        assert.deepEqual(
          values,
          ranks.map((rank) => `value ${rank}`),
        );
    });

    it('names the keys that are missing at the deadline', async () => {
      const client = await connect();
      await client.set('address/0/0', 'here');
      await assert.rejects(client.waitAll(['address/0/0', 'address/0/1', 'address/0/2'], 50), (error: unknown) => {
        assert(error instanceof RingError && error.code === 'RING_TIMEOUT', String(error));
        assert.match(error.message, /still has no address\/0\/1, address\/0\/2$/);
        return true;
      });
      await client.set('address/0/1', 'late'); // the connection is as good as before
    });

    it('carries values of many frames at once, and refuses one that no frame holds', async () => {
      const client = await connect();
      const values = [...Array(40).keys()].map((index) =>
        String.fromCharCode(65 + (index % 26)).repeat(20_000 * index),
      );
      await Promise.all(values.map((value, index) => client.set(`big/${index}`, value)));
      assert.deepEqual(
        await client.waitAll(
          values.map((_, index) => `big/${index}`),
          5000,
        ),
        values,
      );
      await assert.rejects(client.set('bigger', 'x'.repeat(1 << 20)), { code: 'RING_INVALID_ARGUMENT' });
    });

    it('refuses a wrong secret and a wrong job, with the reasons that come into question', async () => {
      const expected = {
        code: 'RING_HANDSHAKE',
        message: `wrong job secret or job id, or another program, at 127.0.0.1:${server.port}`,
      };
      await assert.rejects(connect({ secret: randomBytes(32) }), expected);
      await assert.rejects(connect({ jobId: 'job-2' }), expected);
    });

    it('fails pending and later requests at once when the store goes away', async () => {
      const client = await connect();
      const pending = client.waitAll(['never'], 60_000);
      const { port } = server;
      const lost = assert.rejects(pending, { code: 'RING_CONNECT' });
      await server.close();
      await lost;
      await assert.rejects(client.set('key', 'value'), { code: 'RING_CONNECT' });
      await assert.rejects(connect({ port }), { code: 'RING_CONNECT' });
      server = await StoreServer.listen({ host: '127.0.0.1', ...job });
    });

    it('lets go of the waits of a member that leaves', async () => {
      const [leaver, other] = [await connect(), await connect()];
      const wait = assert.rejects(leaver.waitAll(['key'], 60_000), { code: 'RING_CONNECT' });
      leaver.close();
      await wait;
      await other.set('key', 'value');
      assert.equal(await other.get('key'), 'value');
    });

    it('says that it cannot listen on an address that is not ours', async () => {
      await assert.rejects(StoreServer.listen({ host: '203.0.113.1', ...job }), { code: 'RING_CONNECT' });
    });
  });
}
