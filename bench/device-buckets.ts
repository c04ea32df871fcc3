// Bus bandwidth of a step on GPUs, whose buckets of several buffers each are all asked for at once: of what the GPU has, and of
// what lies in main memory, which is copied there and back. tsrun -np N --num-nccl-streams S dist/bench/device-buckets.js [bytes of a step]
import * as ring from '../lib/index.js';
import { median } from '../lib/statistics.js';

const [stepBytes = 256 * 2 ** 20] = process.argv.slice(2).map(Number);
const bucketsPerStep = 8;
const buffersPerBucket = 4;
const rounds = 11;
await ring.init();
const { cudaReason, ncclReason } = ring.gpuFacts();
if (cudaReason !== undefined || ncclReason !== undefined) {
  console.error(`rank ${ring.rank()} has no GPU to measure on: ${[cudaReason, ncclReason].filter(Boolean).join('; ')}`);
  process.exitCode = 1;
} else {
  const length = Math.ceil(stepBytes / bucketsPerStep / buffersPerBucket / 4);
  const repeat = <T>(count: number, make: () => T) => Array.from({ length: count }, make);
  const buckets = repeat(bucketsPerStep, () =>
    repeat(buffersPerBucket, () => ({
      array: new Float32Array(length).fill(1),
      buffer: ring.DeviceBuffer.from(new Float32Array(length)),
    })),
  );
  type Bucket = (typeof buckets)[number];
  const reduce = (bucket: Bucket, number: number) =>
    ring.groupedAllreduce(
      bucket.map(({ buffer }) => buffer),
      { name: `bucket ${number}`, op: 'average', inPlace: true },
    );
  await measure('on the GPU', async () => {
    await Promise.all(buckets.map(reduce));
  });
  await measure('in main memory', async () => {
    const sums = buckets.map((bucket, number) => {
      for (const { array, buffer } of bucket) buffer.copyFrom(array);
      return reduce(bucket, number);
    });
    for (const [number, sum] of sums.entries()) {
      await sum;
      for (const { array, buffer } of buckets[number]!) buffer.copyTo(array);
    }
  });
  // Averages of ones, in each round again.
  const wrong = buckets.flat().filter(({ array }) => array.some((value) => value !== 1)).length;
  if (wrong > 0) throw new Error(`${wrong} of ${buckets.length * buffersPerBucket} buffers have wrong averages`);
}
await ring.shutdown();

async function measure(where: string, step: () => Promise<void>): Promise<void> {
  const seconds: number[] = [];
  for (let round = -3; round < rounds; round++) {
    ring.barrierSync();
    const began = performance.now();
    await step();
    if (round >= 0) seconds.push((performance.now() - began) / 1000);
  }
  const time = median(seconds);
  const bus = ((stepBytes / time) * 2 * (ring.size() - 1)) / ring.size();
  if (ring.rank() !== 0) return;
  const streams = process.env['TSRING_NUM_NCCL_STREAMS'] ?? '1';
  console.log(
    `streams ${streams}, ${stepBytes} bytes ${where}: ${(time * 1e6).toFixed(1)} us, bus bandwidth ${(bus / 1e9).toFixed(3)} GB/s`,
  );
}
