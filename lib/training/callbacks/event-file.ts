import { appendFileSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { maskedCrc32c } from '../crc32c.js';

/** A file of scalars that TensorBoard reads: records with checksums, each of them a protocol buffer of TensorFlow's type `Event`. */
export class EventFile {
  readonly file: string;

  /** Makes the folder, and a file in it whose name no other run has. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    const seconds = Math.floor(Date.now() / 1000);
    this.file = path.join(folder, `events.out.tfevents.${seconds}.${os.hostname()}.${process.pid}.tsring`);
    this.append(event(0, bytesField(3, Buffer.from('brain.Event:2'))));
  }

  /** Of one step, any numbers by their tags. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const summary = Object.entries(values).map(([tag, value]) =>
      bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), floatField(2, value)])),
    );
    this.append(event(step, bytesField(5, Buffer.concat(summary))));
  }

  private append(data: Buffer): void {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(data.length));
    appendFileSync(this.file, Buffer.concat([length, checksum(length), data, checksum(data)]));
  }
}

function event(step: number, what: Buffer): Buffer {
  const time = Buffer.alloc(9);
  time.writeUInt8((1 << 3) | 1);
  time.writeDoubleLE(Date.now() / 1000, 1);
  return Buffer.concat([time, varint((2 << 3) | 0), varint(step), what]);
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8((field << 3) | 5);
  bytes.writeFloatLE(value, 1);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

function checksum(data: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(maskedCrc32c(data));
  return bytes;
}
