import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { MessageReader, sendMessage } from '../../lib/parameter-server/message-stream.js';
import { asReply, type Reply } from '../../lib/parameter-server/messages.js';
import { ringError } from '../helpers/ring-error.js';

describe('messages with a payload', () => {
  const sent = (payloads: readonly Uint8Array[]): Buffer => {
    const stream = new PassThrough();
    for (const payload of payloads) sendMessage(stream as unknown as Socket, { kind: 'weights', iterations: 1 }, [payload]); // prettier-ignore
    return (stream.read() as Buffer | null) ?? Buffer.alloc(0);
  };
  const readAll = (bytes: Buffer, cut: number): Buffer[] => {
    const found: Buffer[] = [];
    const reader = new MessageReader<Reply>(
      asReply,
      (reply) => new Uint8Array(reply.bytes),
      (_, payload) => found.push(Buffer.from(payload)),
    );
    for (let at = 0; at < bytes.length; at += cut) reader.push(bytes.subarray(at, at + cut));
    return found;
  };

  it('arrive as they were sent, however the stream was cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });
    fc.assert(
      fc.property(payloads, fc.integer({ min: 1, max: 90 }), (all, cut) => {
        assert.deepEqual(readAll(sent(all), cut), all.map((payload) => Buffer.from(payload))); // prettier-ignore
      }),
    );
  });

  it('are refused where they are none, too long, or have another payload than there is a place for', () => {
    const refused = ringError('RING_HANDSHAKE', /is the same tsring on all hosts\?/);
    assert.throws(() => readAll(Buffer.from([3, 0, 0, 0, 1, 2, 3]), 7), refused);
    assert.throws(() => readAll(Buffer.from([0, 0, 0, 127]), 4), refused);
    assert.throws(() => readAll(Buffer.from('\x10\0\0\0{"kind":"other"}'), 20), refused);
    const reader = new MessageReader(asReply, () => new Uint8Array(3), () => undefined); // prettier-ignore
    assert.throws(() => reader.push(sent([new Uint8Array(4)])), refused);
  });
});
