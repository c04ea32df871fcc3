// Reduces 512 KiB at a time, and prints as much each time: output and sums share the network. Arguments: how often, lines each time.
import { activeSession } from '../../../dist/lib/active-session.js';
import { init, shutdown } from '../../../dist/lib/session.js';

const { rank, size } = await init();
const { native } = activeSession();
const [rounds, lines] = process.argv.slice(2).map(Number);
const count = 128 * 1024;
for (let round = 0; round < rounds; round++) {
  const request = { kind: 'allreduce', name: `round.${round}`, dtype: 'float32', op: 'sum', shapes: [[count]] };
  const [buffer] = native.run({ ...request, inputs: [new Float32Array(count).fill(rank + 1)] }).buffers;
  const right = new Float32Array(buffer).every((sum) => sum === (size * (size + 1)) / 2);
  if (!right) throw new Error(`round ${round}: wrong sums`);
  for (let line = 0; line < lines; line++) console.log(`line ${line} of round ${round} `.padEnd(100, '.'));
  await new Promise((resolve) => setTimeout(resolve)); // lets what was printed go
}
console.log('@right');
await shutdown();
