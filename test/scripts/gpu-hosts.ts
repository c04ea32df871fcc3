// What a rank of several does with buffers on a GPU. Argument: `sums`, or `killed`, where rank 3 ends in the middle.
import { createHash } from 'node:crypto';
import * as ring from '../../lib/index.js';
import { Numbers } from './numbers.js';
import { caught, report } from './report.js';

await ring.init();
report(process.argv[2] === 'sums' ? await sums() : await killed());
await ring.shutdown();

async function sums(): Promise<unknown> {
  const numbers = new Numbers(31 + ring.rank());
  const random = (length: number) => Float32Array.from({ length }, () => (numbers.below(2 ** 24) / 2 ** 20) ** 3);
  const digest = createHash('sha256');
  const some: number[] = [];
  for (const length of [1, 5, 1009, 300_007]) {
    const sum = await ring.allreduce(ring.DeviceBuffer.from(random(length)), { op: 'average' });
    const values = sum.toArray() as Float32Array;
    digest.update(values);
    some.push(...values.slice(0, 100), ...values.slice(-100));
  }
  const ranks = ring.DeviceBuffer.from(Float32Array.of(ring.rank()));
  const gathered = await ring.allgather(ranks);
  const sent = await ring.broadcast(ranks, 3);
  const largest = await ring.allreduce(ring.DeviceBuffer.from(Int32Array.of(ring.rank(), 7)), { op: 'average' });
  const moved = [gathered, sent, largest].map((buffer) => Array.from(buffer.toArray() as Float32Array));
  return { digest: digest.digest('hex'), sums: some, moved };
}

async function killed(): Promise<unknown> {
  return caught(async () => {
    const values = ring.DeviceBuffer.from(new Float32Array(300_000));
    for (let step = 0; ; step++) {
      if (ring.rank() === 3 && step === 5) process.kill(process.pid, 'SIGKILL');
      await ring.allreduce(values, { name: `step ${step}` });
    }
  });
}
