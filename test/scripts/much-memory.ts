// Reduces much, in place, and reports by how many bytes this process was ever larger than with the values alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as ring from '../../lib/index.js';
import { report } from './report.js';

const [tensors = 1, bytes = 1 << 20] = process.argv.slice(2, 4).map(Number);
const compression = (process.argv[4] ?? 'none') as ring.Compression;
const length = bytes / tensors / Float32Array.BYTES_PER_ELEMENT;

await ring.init();
const values = Array.from({ length: tensors }, () => new Float32Array(length).fill(ring.rank() + 1));
const expected = (ring.size() * (ring.size() + 1)) / 2;
// What the process takes to compile and begin all this is not the data's.
for (const own of values) checkAll(own, ring.rank() + 1);
const few = [new Float32Array(2 ** 14).fill(ring.rank() + 1)];
for (const reduced of ring.groupedAllreduceSync(few, { op: 'sum', compression })) checkAll(reduced, expected);
for (const reduced of await ring.groupedAllreduce(few, { op: 'sum', compression })) checkAll(reduced, expected);
ring.barrierSync();
const before = peakBytes();
for (const reduced of ring.groupedAllreduceSync(values, { op: 'sum', compression, inPlace: true }))
  checkAll(reduced, expected);
for (const reduced of await ring.groupedAllreduce(values, { op: 'average', compression, inPlace: true }))
  checkAll(reduced, expected);
report(peakBytes() - before);
await ring.shutdown();

/** The most physical memory that this process has ever had. */
function peakBytes(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return Number(kilobytes) * 1024;
}

function checkAll(numbers: Float32Array, expected: number): void {
  let worst = 0; // a loop, as a call for each of a hundred million numbers takes seconds
  for (const number of numbers) worst = Math.max(worst, Math.abs(number - expected));
  assert.ok(worst <= 1e-6 * expected); // 8 bits times a scale may be off in the last bit
}
