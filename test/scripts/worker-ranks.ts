// Two worker threads of one process as the two ranks of a ring. One of them is terminated while both wait for an operation.
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { StoreServer } from '../../lib/net/store-server.js';
import { report } from './report.js';

const jobId = randomUUID();
const secret = randomBytes(32);
const store = await StoreServer.listen({ host: '127.0.0.1', jobId, secret, encrypt: false });
const job = {
  TSRING_STORE: `127.0.0.1:${store.port}`,
  TSRING_JOB_ID: jobId,
  TSRING_SECRET: secret.toString('hex'),
  TSRING_SIZE: '2',
};
const [first, second] = ['0', '1'].map((rank) => {
  const env = { ...process.env, ...job, TSRING_RANK: rank };
  return new Worker(new URL('worker.mjs', import.meta.url), { workerData: 'rank', env });
});
const [[sum], [other]] = (await Promise.all([once(first!, 'message'), once(second!, 'message')])) as [
  [number],
  [number],
];
const next = once(first!, 'message');
await second!.terminate();
const [code] = (await next) as [string];
await first!.terminate();
report({ sums: [sum, other], afterTermination: code });
await store.close();
