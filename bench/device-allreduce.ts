// Bus bandwidth of an allreduce on GPUs, by nccl-tests' formula: tsrun -np N dist/bench/device-allreduce.js [largest size in bytes]
import * as ring from '../lib/index.js';
import { median } from '../lib/statistics.js';

const [largest = 256 * 2 ** 20] = process.argv.slice(2).map(Number);
const rounds = 21;
await ring.init();
const { cudaReason, ncclReason, ncclVersion, gpus } = ring.gpuFacts();
if (cudaReason !== undefined || ncclReason !== undefined) {
  console.error(`rank ${ring.rank()} has no GPU to measure on: ${[cudaReason, ncclReason].filter(Boolean).join('; ')}`);
  process.exitCode = 1;
} else {
  if (ring.rank() === 0) console.log(`${ring.size()} ranks on ${gpus.join(', ')}, NCCL ${ncclVersion}`);
  for (let bytes = 4; bytes <= largest; bytes *= 16) measure(bytes);
}
await ring.shutdown();

function measure(bytes: number): void {
  using buffer = ring.DeviceBuffer.from(new Float32Array(bytes / 4));
  const seconds: number[] = [];
  for (let round = -3; round < rounds; round++) {
    ring.barrierSync();
    const began = performance.now();
    ring.allreduceSync(buffer, { op: 'sum', inPlace: true });
    if (round >= 0) seconds.push((performance.now() - began) / 1000);
  }
  const time = median(seconds);
  const bus = ((bytes / time) * 2 * (ring.size() - 1)) / ring.size();
  if (ring.rank() === 0)
    console.log(`${bytes} bytes: ${(time * 1e6).toFixed(1)} us, bus bandwidth ${(bus / 1e9).toFixed(3)} GB/s`);
}
