// Serves the store of one job in a host of its own, as tsrun does for a job on one machine. Prints the port; ends when its standard
// input does.
import { StoreServer } from '../../lib/net/store-server.js';

const { TSRING_HOST: host = '', TSRING_JOB_ID: jobId = '', TSRING_SECRET: secret = '' } = process.env;
const store = await StoreServer.listen({ host, jobId, secret: Buffer.from(secret, 'hex'), encrypt: false });
console.log(store.port);
process.stdin.resume().once('end', () => void store.close());
