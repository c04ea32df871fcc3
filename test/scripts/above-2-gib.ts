// Reduces more bytes than a 32-bit number counts, in place, and checks every one of them.
import assert from 'node:assert/strict';
import * as ring from '../../lib/index.js';
import { report } from './report.js';

const length = 2 ** 31 + 2 ** 24 + 7;
const step = 1 << 26;

await ring.init();
const values = new Uint8Array(length).fill(ring.rank() + 1);
// Some that tell where they are, on both sides of 2^31.
const places = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, length - 1];
places.forEach((place, index) => (values[place] = 10 * index + ring.rank()));
const sum = (ring.size() * (ring.size() + 1)) / 2;
const reduced = ring.allreduceSync(values, { op: 'sum', inPlace: true });
assert.equal(reduced, values);
places.forEach((place, index) => {
  assert.equal(values[place], 10 * index * ring.size() + (ring.size() * (ring.size() - 1)) / 2);
  values[place] = sum;
});
const expected = new Uint8Array(step).fill(sum);
for (let start = 0; start < length; start += step) {
  const part = values.subarray(start, start + step);
  assert.equal(Buffer.compare(part, expected.subarray(0, part.length)), 0);
}
report('equal');
await ring.shutdown();
