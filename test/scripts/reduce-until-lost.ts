// Reduces a megabyte over and over until the ring breaks, and reports how it learned of that. Says `@ready` when all have begun.
// Argument: blocking or promise.
import { writeSync } from 'node:fs';
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

await ring.init();
const values = new Float32Array(256 * 1024);
ring.barrierSync();
writeSync(1, '@ready\n');
const error = await caught(async () => {
  for (;;) {
    const options = { name: 'dense/kernel', inPlace: true };
    if (process.argv[2] === 'blocking') ring.allreduceSync(values, options);
    else await ring.allreduce(values, options);
  }
});
report({ ...error, initialized: ring.isInitialized() });
await ring.shutdown();
