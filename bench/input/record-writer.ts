import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { maskedCrc32c } from '../../lib/training/crc32c.js';

/** A list of bytes, of floats, or of integers: the three kinds that `tf.train.Example` has. */
export type FeatureValue =
  { bytes: readonly Uint8Array[] } | { floats: readonly number[] } | { ints: readonly number[] };

/** A `tf.train.Example`, serialized. */
export function example(features: Readonly<Record<string, FeatureValue>>): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).fork();
  for (const [key, value] of Object.entries(features)) {
    writer
      .tag(1, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.LengthDelimited)
      .string(key)
      .tag(2, WireType.LengthDelimited)
      .fork();
    writeFeature(writer, value);
    writer.join().join();
  }
  return writer.join().finish();
}

/** As a TFRecord file has it: length, its checksum, content, its checksum. */
export function framed(content: Uint8Array): Buffer {
  const record = Buffer.alloc(content.length + 16);
  record.writeBigUInt64LE(BigInt(content.length));
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(content, 12);
  record.writeUInt32LE(maskedCrc32c(content), 12 + content.length);
  return record;
}

function writeFeature(writer: BinaryWriter, value: FeatureValue): void {
  if ('bytes' in value) {
    writer.tag(1, WireType.LengthDelimited).fork();
    for (const each of value.bytes) writer.tag(1, WireType.LengthDelimited).bytes(each);
    writer.join();
  } else if ('floats' in value) {
    writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
    for (const each of value.floats) writer.float(each);
    writer.join().join();
  } else {
    writer.tag(3, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
    for (const each of value.ints) writer.int64(each);
    writer.join().join();
  }
}
