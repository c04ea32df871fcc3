import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { maskedCrc32c } from '../../training/crc32c.js';
import { brokenData, reasonOf } from '../broken-data.js';

const headBytes = 12;
const tailBytes = 4;

/**
 * A TFRecord file: records of a length (uint64), its checksum, the content, and its checksum, all little-endian, the checksums CRC-32C as
 * TensorFlow masks them (tensorflow/core/lib/io/record_writer.h).
 */
export class RecordFile implements Disposable {
  private readonly fd: number;
  private readonly size: number;

  /** @throws {RingError} `RING_DATA`: it cannot be opened */
  constructor(private readonly file: string) {
    try {
      this.fd = openSync(file, 'r');
      this.size = fstatSync(this.fd).size;
    } catch (error) {
      throw brokenData(file, reasonOf(error), error);
    }
  }

  /** Where records begin, in order. What breaks the file off ends them, after `broken` has been told. */
  *offsets(broken: (error: unknown) => void): Generator<number> {
    let record = 0;
    for (let offset = 0; offset < this.size; record++) {
      let end: number;
      try {
        end = offset + headBytes + this.lengthAt(offset, record) + tailBytes;
      } catch (error) {
        broken(error);
        return;
      }
      yield offset;
      offset = end;
    }
  }

  /** The content of the record that begins at `offset`. @throws {RingError} `RING_DATA` */
  read(offset: number, record: number): Buffer {
    const length = this.lengthAt(offset, record);
    const content = this.bytes(offset + headBytes, length + tailBytes);
    const data = content.subarray(0, length);
    if (maskedCrc32c(data) !== content.readUInt32LE(length))
      throw brokenData(this.where(offset, record), `its ${length} bytes do not have its checksum`);
    return data;
  }

  /** What names a record in errors. */
  where(offset: number, record: number): string {
    return `${this.file}: record ${record} at byte ${offset}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }

  private lengthAt(offset: number, record: number): number {
    const head = this.bytes(offset, headBytes);
    if (offset === 0 && head[0] === 0x1f && head[1] === 0x8b)
      throw brokenData(this.file, 'it is compressed by gzip; gunzip it first');
    const where = this.where(offset, record);
    if (head.length < headBytes)
      throw brokenData(where, `it has ${head.length} of ${headBytes} bytes: the file was cut off`);
    if (maskedCrc32c(head.subarray(0, 8)) !== head.readUInt32LE(8))
      throw brokenData(
        where,
        `its length does not have its checksum${offset === 0 ? '; is this a TFRecord file?' : ''}`,
      );
    const length = Number(head.readBigUInt64LE(0));
    const left = this.size - offset - headBytes - tailBytes;
    if (length > left) throw brokenData(where, `it has ${Math.max(0, left)} of ${length} bytes: the file was cut off`);
    return length;
  }

  /** Fewer at the end of the file. */
  private bytes(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let have = 0;
    while (have < length) {
      const read = readSync(this.fd, bytes, have, length - have, offset + have);
      if (read === 0) break;
      have += read;
    }
    return bytes.subarray(0, have);
  }
}
