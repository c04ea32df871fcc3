// One sum that takes a slow network longer than the heartbeat timeout; reports its time and whether it is right. Says `@ready` before it
// begins. Argument: elements.
import { writeSync } from 'node:fs';
import * as ring from '../../lib/index.js';
import { report } from './report.js';

await ring.init();
const values = new Float32Array(Number(process.argv[2])).fill(ring.rank() + 1);
ring.barrierSync();
writeSync(1, '@ready\n');
const started = performance.now();
const sum = await ring.allreduce(values, { op: 'sum' });
const ms = performance.now() - started;
const expected = (ring.size() * (ring.size() + 1)) / 2;
report({ ms, right: sum.every((value) => value === expected) });
await ring.shutdown();
