// Rank 2 dies while the others wait: 0 in a set with it, 1 in one without it, which has work to do at the time.
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

await ring.init({ processSets: [new ring.ProcessSet([0, 2]), new ring.ProcessSet([0, 1])] });
const [, withIt, without] = ring.processSets();
await ring.barrier();
const rank = ring.rank();
if (rank === 2) process.kill(process.pid, 'SIGKILL');
const own = rank === 0 ? withIt! : without!;
const blocking = process.argv[2] === 'blocking';
const first = await caught(() =>
  blocking ? ring.barrierSync({ processSet: own }) : ring.barrier({ processSet: own }),
);
const later = await caught(() => ring.allreduceSync(new Float32Array(1), { processSet: without! }));
const global = await caught(() => ring.barrier());
report({ first, later, global });
await ring.shutdown();
