import { readServerConfig, type ServerConfig } from '../config.js';
import { RingError } from '../errors.js';
import { purposes } from '../net/handshake.js';
import { ProvenServer } from '../net/proven-server.js';
import { StoreClient } from '../net/store-client.js';
import { openServerBackend } from './backend.js';
import { serveWorker } from './serve-worker.js';
import type { ServedModel } from './served-model.js';
import { serverKey } from './server-key.js';

/*
 * The program of a parameter server, which `tsrun --ps` starts beside the ranks. It listens, tells the job's store where, and serves whatever
 * models the ranks train, until tsrun ends it.
 */

try {
  await serve(readServerConfig());
} catch (error) {
  if (!(error instanceof RingError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
}

async function serve(config: ServerConfig): Promise<void> {
  const whyNotTensorflow = await openServerBackend(config.serverBackend);
  if (whyNotTensorflow !== undefined && config.server === 0) {
    console.error(`parameter servers compute with tfjs's cpu backend, as tfjs-node does not load: ${whyNotTensorflow}`);
  }
  const { server, servers, workers, timeoutMs, encrypt } = config;
  const { store: at, host, jobId, secret } = config.rendezvous;
  const models = new Map<string, ServedModel>();
  const { port } = await ProvenServer.listen({
    ...{ host, jobId, secret, encrypt, what: 'parameter server', purpose: purposes.parameters },
    onMember: (stream, { rank }) => {
      if (rank < workers) serveWorker(stream, rank, models, { server, servers, workers, timeoutMs });
      else stream.destroy();
    },
  });
  const job = { jobId, secret, encrypt, rank: server, generation: 0, timeoutMs: config.startTimeoutMs };
  const store = await StoreClient.connect({ ...at, ...job });
  await store.set(serverKey(server), JSON.stringify({ host, port }));
  store.close();
}
