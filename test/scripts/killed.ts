// Rank 1 is killed in the middle of a large allreduce; the others report when they learned of it. Argument: blocking or promise.
import { writeSync } from 'node:fs';
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

process.on('SIGTERM', () => undefined); // tsrun's, which ends the job; we still have something to say
await ring.init();
const values = new Float32Array(16 * 1024 * 1024);
const reduce = (blocking: boolean) => {
  const options = { name: 'large', inPlace: true };
  return blocking ? ring.allreduceSync(values, options) : ring.allreduce(values, options);
};
const forever = async (blocking: boolean) => {
  for (;;) await reduce(blocking);
};

ring.barrierSync();
if (ring.rank() === 1) {
  setTimeout(() => {
    writeSync(1, `@result ${JSON.stringify({ at: Date.now() })}\n`);
    process.kill(process.pid, 'SIGKILL');
  }, 150);
  await forever(false);
}
const error = await caught(() => forever(process.argv[2] === 'blocking'));
const later = await caught(() => ring.allreduceSync(Float32Array.of(1), { name: 'later' }));
report({ ...error, later: later.code });
await ring.shutdown();
