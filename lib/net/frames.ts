import { RingError } from '../errors.js';

/** Longest body of a frame. Addresses and small settings travel here, never tensors. */
export const maxFrameBytes = 1 << 20;

/** A frame: u32 length, little-endian, then that many bytes of UTF-8 JSON. @throws RING_INVALID_ARGUMENT if it is too long */
export function encodeFrame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  if (body.length > maxFrameBytes) {
    throw new RingError(
      'RING_INVALID_ARGUMENT',
      `a message has ${body.length} bytes, more than the ${maxFrameBytes} a frame holds`,
    );
  }
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32LE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** Cuts a byte stream back into messages, however the stream was cut into chunks. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private bytes = 0;

  /**
   * The messages that `chunk` completes.
   *
   * @throws RING_HANDSHAKE for a length over the limit, before any memory is spent on it, and for a body that is no JSON
   */
  push(chunk: Buffer): unknown[] {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    const messages: unknown[] = [];
    for (let body = this.next(); body !== undefined; body = this.next()) messages.push(parse(body));
    return messages;
  }

  private next(): Buffer | undefined {
    if (this.bytes < 4) return undefined;
    const [first] = this.chunks;
    const head = first && first.length >= 4 ? first : this.join();
    const length = head.readUInt32LE(0);
    if (length > maxFrameBytes) throw badFrame(`claims ${length} bytes, more than ${maxFrameBytes}`);
    if (this.bytes < 4 + length) return undefined;
    const all = this.join();
    this.chunks = [all.subarray(4 + length)];
    this.bytes -= 4 + length;
    return all.subarray(4, 4 + length);
  }

  private join(): Buffer {
    const all = Buffer.concat(this.chunks);
    this.chunks = [all];
    return all;
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw badFrame('holds no JSON', { cause });
  }
}

function badFrame(why: string, options?: ErrorOptions): RingError {
  return new RingError('RING_HANDSHAKE', `a frame ${why}: the other end is no tsring`, options);
}
