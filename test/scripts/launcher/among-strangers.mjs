// A rank of a job that strangers disturb. Prints `@overheard` with the proof that it gives the store, as one who reads along has it. The
// last rank joins once there is a file `go` in the folder that is the argument; until then the others listen. All then reduce, and look at
// each sum, until there is a file `end`.
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { activeSession } from '../../../dist/lib/active-session.js';
import { proofBytes } from '../../../dist/lib/net/handshake.js';
import { init, shutdown } from '../../../dist/lib/session.js';

const folder = process.argv[2];
const { TSRING_RANK: own, TSRING_SIZE: size } = process.env;
const rest = () => new Promise((resolve) => setTimeout(resolve, 20));

const { write } = Socket.prototype;
Socket.prototype.write = function (data, ...others) {
  if (Buffer.isBuffer(data) && data.length === proofBytes) console.log(`@overheard ${data.toString('base64')}`);
  return write.call(this, data, ...others);
};
if (Number(own) === Number(size) - 1) while (!existsSync(path.join(folder, 'go'))) await rest();

const { rank } = await init();
const { native } = activeSession();
for (let round = 0, ended = false; !ended; round++) {
  const values = new Float32Array(1000).fill(rank + 1);
  values[0] = rank === 0 && existsSync(path.join(folder, 'end')) ? 1 : 0;
  const request = { kind: 'allreduce', name: `round.${round}`, dtype: 'float32', op: 'sum', shapes: [[1000]] };
  const sums = new Float32Array(native.run({ ...request, inputs: [values] }).buffers[0]);
  if (sums.subarray(1).some((sum) => sum !== 6)) throw new Error(`round ${round}: wrong sums: ${sums}`);
  if (rank === 0) console.log(`@round ${round}`);
  ended = sums[0] > 0;
  await rest();
}
await shutdown();
