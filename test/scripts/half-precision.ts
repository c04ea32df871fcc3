// Reduces 16-bit floats over all ranks and compares with a plain computation; small numbers, which both formats hold exactly.
import assert from 'node:assert/strict';
import * as ring from '../../lib/index.js';
import { report } from './report.js';

const formats = {
  bfloat16: (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16,
  float16: (value: number) => {
    if (value === 0) return 0;
    const exponent = Math.floor(Math.log2(Math.abs(value)));
    return ((value < 0 ? 1 : 0) << 15) | ((exponent + 15) << 10) | ((Math.abs(value) / 2 ** exponent - 1) * 1024);
  },
};

await ring.init();
const ranks = Array.from({ length: ring.size() }, (_, rank) => rank);
const valueOf = (rank: number, i: number) => (((i + rank) % 5) - 2) / 2;
for (const [dtype, bits] of Object.entries(formats) as [keyof typeof formats, (value: number) => number][]) {
  for (const length of [0, 1, 31, 1003, 100_003]) {
    const bring = () => Uint16Array.from({ length }, (_, i) => bits(valueOf(ring.rank(), i)));
    const expect = (of: (values: number[]) => number) =>
      Uint16Array.from({ length }, (_, i) => bits(of(ranks.map((rank) => valueOf(rank, i))) + 0));
    const sum = expect((values) => values.reduce((a, b) => a + b));
    assert.deepEqual(await ring.allreduce(bring(), { op: 'sum', dtype }), sum);
    assert.deepEqual(ring.allreduceSync(bring(), { op: 'sum', dtype, inPlace: true }), sum);
    const [largest] = await ring.groupedAllreduce([bring(), bring()], { op: 'max', dtype });
    assert.deepEqual(
      largest,
      expect((values) => Math.max(...values)),
    );
    if (ring.size() === 2) {
      const mean = expect((values) => (values[0]! + values[1]!) / 2);
      assert.deepEqual(await ring.allreduce(bring(), { dtype }), mean);
    }
  }
}
report('equal');
await ring.shutdown();
