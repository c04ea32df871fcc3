// Rank 1 never asks for a tensor that the others wait for; it comes with another one when they have given up.
import { setTimeout as delay } from 'node:timers/promises';
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

process.on('SIGTERM', () => undefined);
await ring.init();
const started = Date.now();
const values = new Float32Array(3);
const error = await caught(async () => {
  if (ring.rank() !== 1) return ring.allreduceSync(values, { name: 'dense/kernel' });
  await delay(1500);
  return ring.allreduce(values, { name: 'another name' });
});
report({ ...error, afterMs: error.at - started });
await ring.shutdown();
