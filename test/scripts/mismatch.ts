// Three ranks disagree about one operation after another; rank 2 is the odd one out. Then they agree, in the same ring.
import * as ring from '../../lib/index.js';
import { caught, report, type Caught } from './report.js';

await ring.init();
const odd = ring.rank() === 2;
const ten = new Float32Array(10);

const cases: Record<string, () => unknown> = {
  shape: () => ring.allreduce(odd ? new Float32Array(11) : ten, { name: 'shape' }),
  dtype: () => ring.allreduce(odd ? new Float64Array(10) : ten, { name: 'dtype' }),
  op: () => ring.allreduce(ten, { name: 'op', op: odd ? 'sum' : 'max' }),
  root: () => ring.broadcast(ten, odd ? 2 : 0, { name: 'root' }),
  kind: () => (odd ? ring.allgather(ten, { name: 'kind' }) : ring.allreduce(ten, { name: 'kind' })),
  'number in a group': () => ring.groupedAllreduce(odd ? [ten] : [ten, ten], { name: 'group' }),
  'dtype of a gather': () => ring.allgather(odd ? new Int32Array(10) : ten, { name: 'gather' }),
  'shape, blocking': () => ring.allreduceSync(odd ? new Float32Array(0) : ten, { name: 'blocking' }),
};

const errors: Record<string, Caught> = {};
for (const [name, run] of Object.entries(cases)) errors[name] = await caught(run);

// The operation cannot be done, and its name not be free again, before the odd rank asks for it.
const twice = () => ring.allreduce(ten, { name: 'twice' });
if (odd) await ring.barrier({ name: 'the others have asked twice' });
const pending = twice();
if (!odd) {
  errors['duplicate'] = await caught(twice);
  await ring.barrier({ name: 'the others have asked twice' });
}
await pending;
report({ errors, sumAfterwards: (await ring.allreduce(Int32Array.of(1), { op: 'sum' }))[0] });
await ring.shutdown();
