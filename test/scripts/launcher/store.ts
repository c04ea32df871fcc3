// Meets the other ranks at the job's store.
import { readSync } from 'node:fs';
import { StoreClient } from '../../../lib/net/store-client.js';

const { TSRING_RANK, TSRING_SIZE, TSRING_STORE = '', TSRING_JOB_ID = '', TSRING_SECRET_FD } = process.env;
const [host = '', port] = TSRING_STORE.split(':');
const hex = Buffer.alloc(64);
readSync(Number(TSRING_SECRET_FD), hex, 0, 64, 0);
const client = await StoreClient.connect({
  host,
  port: Number(port),
  jobId: TSRING_JOB_ID,
  secret: Buffer.from(hex.toString(), 'hex'),
  rank: Number(TSRING_RANK),
  generation: 0,
  encrypt: false,
  timeoutMs: 10_000,
});
await client.set(`number/${TSRING_RANK}`, String(Number(TSRING_RANK) ** 2));
const all = await client.waitAll(
  Array.from({ length: Number(TSRING_SIZE) }, (_, rank) => `number/${rank}`),
  10_000,
);
client.close();
console.log(`@result ${JSON.stringify(all.map(Number))}`);
