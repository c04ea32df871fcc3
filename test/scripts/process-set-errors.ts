// Each way of using process sets wrongly, on three ranks.
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

const early = await caught(() => new ring.ProcessSet([0]).included());
await ring.init();
const rank = ring.rank();
const array = Float32Array.of(rank);
const set = await ring.addProcessSet([0, 2]);
const unknown = new ring.ProcessSet([0, 1]);
const errors = {
  early,
  empty: await caught(() => new ring.ProcessSet([])),
  twice: await caught(() => new ring.ProcessSet([1, 0, 1])),
  negative: await caught(() => new ring.ProcessSet([-1])),
  notAdded: await caught(() => ring.allreduce(array, { processSet: unknown })),
  notASet: await caught(() => ring.allreduce(array, { processSet: [0, 2] as never })),
  again: await caught(() => ring.addProcessSet(set)),
  outOfRange: await caught(() => ring.addProcessSet([0, 3])),
  mismatch: await caught(() => ring.addProcessSet(rank === 1 ? [0, 1] : [0, 2])),
  otherChange: await caught(() => (rank === 2 ? ring.removeProcessSet(set) : ring.addProcessSet([0, 1]))),
  global: await caught(() => ring.removeProcessSet(ring.globalProcessSet)),
  outside: rank === 1 ? await caught(() => ring.barrier({ processSet: set })) : undefined,
  rankOutside: rank === 1 ? await caught(() => set.rank()) : undefined,
  root: rank === 1 ? undefined : await caught(() => ring.broadcast(array, 1, { processSet: set })),
  shapes:
    rank === 1
      ? undefined
      : await caught(() => ring.allreduce(new Float32Array(1 + rank), { name: 's', processSet: set })),
};
const sum = rank === 1 ? undefined : ring.allreduceSync(array, { op: 'sum', processSet: set })[0];
await ring.removeProcessSet(set);
const removed = await caught(() => ring.barrier({ processSet: set }));
report({ ...errors, removed, sum });
await ring.shutdown();
