import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeFrame, FrameReader, maxFrameBytes } from '../../lib/net/frames.js';

describe('store frames', () => {
  it('arrive whole and in order, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (sent, cuts) => {
          const stream = Buffer.concat(sent.map(encodeFrame));
          const reader = new FrameReader();
          const ends = [...cuts.map((cut) => Math.min(cut, stream.length)).sort((a, b) => a - b), stream.length];
          const received = ends.flatMap((end, index) => reader.push(stream.subarray(ends[index - 1] ?? 0, end)));
          assert.equal(JSON.stringify(received), JSON.stringify(sent));
        },
      ),
    );
  });

  it('refuse a length over the limit as soon as it is read', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(maxFrameBytes + 1);
    assert.throws(() => new FrameReader().push(head), { code: 'RING_HANDSHAKE' });
    head.writeUInt32LE(maxFrameBytes);
    assert.deepEqual(new FrameReader().push(head), []);
  });
});
