import type { Socket } from 'node:net';
import { RingError } from '../errors.js';
import { encodeFrame, maxFrameBytes } from '../net/frames.js';

/** Sends a message and the payload behind it. The payload must stay as it is until it is out: an answer to the message shows that it is. */
export function sendMessage(stream: Socket, message: object, payload: readonly Uint8Array[] = []): void {
  const bytes = payload.reduce((sum, part) => sum + part.byteLength, 0);
  stream.cork();
  stream.write(encodeFrame({ ...message, bytes }));
  for (const part of payload) if (part.byteLength > 0) stream.write(part);
  stream.uncork();
}

const lengthBytes = 4;

interface Arriving<M> {
  readonly message: M;
  readonly payload: Uint8Array;
  filled: number;
}

/** Cuts a byte stream into messages, and puts their payloads where they belong, without holding them in between. */
export class MessageReader<M extends { readonly bytes: number }> {
  private head = Buffer.alloc(0);
  /** Bytes of the head: its length, and with that known all of it. */
  private wanted = lengthBytes;
  private arriving: Arriving<M> | undefined;

  /**
   * @param parse - undefined for what is no message
   * @param placeOf - where the payload goes: as many bytes as the message says, or it is refused
   * @param onMessage - called when the payload is there, too
   */
  constructor(
    private readonly parse: (message: unknown) => M | undefined,
    private readonly placeOf: (message: M) => Uint8Array,
    private readonly onMessage: (message: M, payload: Uint8Array) => void,
  ) {}

  /** @throws RING_HANDSHAKE for what is no message, or one whose payload has another length than it should */
  push(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0;) {
      rest = this.arriving === undefined ? this.readHead(rest) : this.readPayload(this.arriving, rest);
    }
  }

  private readHead(chunk: Buffer): Buffer {
    const taken = chunk.subarray(0, this.wanted - this.head.length);
    this.head = Buffer.concat([this.head, taken]);
    if (this.head.length === lengthBytes) {
      const length = this.head.readUInt32LE(0);
      if (length < 1 || length > maxFrameBytes) throw refused(`claims ${length} bytes`);
      this.wanted = lengthBytes + length;
    } else if (this.head.length === this.wanted) {
      const body = this.head.subarray(lengthBytes);
      this.head = Buffer.alloc(0);
      this.wanted = lengthBytes;
      this.begin(body);
    }
    return chunk.subarray(taken.length);
  }

  private begin(body: Buffer): void {
    const message = this.parse(jsonOf(body));
    if (message === undefined) throw refused('is no message of a parameter server');
    const payload = this.placeOf(message);
    if (payload.byteLength !== message.bytes) {
      throw refused(`brings ${message.bytes} bytes in place of ${payload.byteLength}`);
    }
    if (message.bytes === 0) this.onMessage(message, payload);
    else this.arriving = { message, payload, filled: 0 };
  }

  private readPayload(arriving: Arriving<M>, chunk: Buffer): Buffer {
    const taken = chunk.subarray(0, arriving.payload.byteLength - arriving.filled);
    arriving.payload.set(taken, arriving.filled);
    arriving.filled += taken.length;
    if (arriving.filled === arriving.payload.byteLength) {
      this.arriving = undefined;
      this.onMessage(arriving.message, arriving.payload);
    }
    return chunk.subarray(taken.length);
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function refused(why: string): RingError {
  return new RingError('RING_HANDSHAKE', `what arrived ${why}: is the same tsring on all hosts?`);
}

/** The bytes of an array. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
