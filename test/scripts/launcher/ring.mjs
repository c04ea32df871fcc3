// Joins the ring, sums what the ranks bring, and tells where it is. Compiled modules only: it starts fast.
// With `hold` it says `@ready` and goes on reducing until it is stopped or the ring breaks.
import { hostname } from 'node:os';
import { activeSession } from '../../../dist/lib/active-session.js';
import { init, shutdown } from '../../../dist/lib/session.js';

const session = await init();
const { native } = activeSession();
const sum = (name) =>
  native.run({
    ...{ kind: 'allreduce', name, dtype: 'float32', op: 'sum' },
    ...{ shapes: [[1000]], inputs: [new Float32Array(1000).fill(session.rank + 1)] },
  });
const [buffer] = sum('first').buffers;
const { rank, size, localRank, localSize, crossRank, crossSize } = session;
const place = { rank, size, localRank, localSize, crossRank, crossSize, host: hostname() };
console.log(`@result ${JSON.stringify({ ...place, sum: new Float32Array(buffer)[999] })}`);
if (process.argv[2] === 'hold') {
  console.log('@ready');
  try {
    for (let round = 0; ; round++) {
      sum(`round.${round}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } catch (error) {
    console.error(`${error.code}: ${error.message}`);
    process.exit(1);
  }
}
await shutdown();
