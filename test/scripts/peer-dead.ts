// Rank 1 kills itself; then rank 0 makes every call. tsrun's SIGTERM comes in between.
import * as ring from '../../lib/index.js';
import { codesOfEveryCall } from './every-call.js';
import { caught, report } from './report.js';

process.on('SIGTERM', () => undefined);
await ring.init();
ring.barrierSync();
if (ring.rank() === 1) process.kill(process.pid, 'SIGKILL');
const first = await caught(() => ring.allreduce(Float32Array.of(1), { name: 'left alone' }));
const codes = await codesOfEveryCall();
await ring.shutdown();
report({ first, codes, afterShutdown: await codesOfEveryCall() });
