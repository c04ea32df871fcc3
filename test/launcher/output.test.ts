import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { forwardLines } from '../../lib/launcher/output.js';
import { Sink } from '../../lib/launcher/sink.js';

async function forwarded(chunks: readonly Buffer[], tag: string): Promise<Buffer> {
  const stream = new PassThrough({ highWaterMark: 64 });
  const received: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => received.push(chunk));
  const sink = new Sink(stream);
  const outlet = { tag: () => tag, write: (lines: Buffer) => sink.write(lines) };
  await forwardLines(Readable.from(chunks, { objectMode: true }), [outlet]);
  stream.end();
  return Buffer.concat(received);
}

describe('forwardLines', () => {
  it('tags each line once and loses no byte, however the stream is cut', async () => {
    const byte = fc.oneof(fc.constant(10), fc.nat(255));
    const chunks = fc.array(fc.array(byte, { maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
    await fc.assert(
      fc.asyncProperty(chunks, async (some) => {
        const all = Buffer.concat(some).toString('latin1');
        const whole = all === '' || all.endsWith('\n') ? all : `${all}\n`;
        assert.equal((await forwarded(some, '')).toString('latin1'), whole);
        const tagged = whole.replaceAll(/[^\n]*\n/g, (line) => `[0]<x>:${line}`);
        assert.equal((await forwarded(some, '[0]<x>:')).toString('latin1'), tagged);
      }),
    );
  });

  it('waits for whoever reads, and stops waiting when nobody does', async () => {
    const stream = new PassThrough({ highWaterMark: 10 });
    const sink = new Sink(stream);
    let written = 0;
    const source = Readable.from([Buffer.from('first line\n'), Buffer.from('second line\n'), Buffer.from('third\n')]);
    const done = forwardLines(source, [{ tag: () => '', write: (lines) => sink.write(lines) }], () => written++);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(written, 1);
    assert(sink.isFull);
    stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await Promise.all([done, sink.broken, sink.flush()]);
    assert.equal(written, 3);
  });
});
