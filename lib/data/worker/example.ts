import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { brokenData, reasonOf } from '../broken-data.js';
import { optionalPackage } from '../optional-package.js';

/** A feature of `tf.train.Example`: one of its three lists. */
export type Feature = readonly Uint8Array[] | readonly number[];

/** Reads a `tf.train.Example` (tensorflow/core/example/example.proto), of it the features that are asked for. */
export type DecodeExample = (content: Uint8Array, keys: ReadonlySet<string>, where: string) => Map<string, Feature>;

export async function exampleDecoder(): Promise<DecodeExample> {
  const wire = await optionalPackage('@bufbuild/protobuf', 'TFRecord files', () => import('@bufbuild/protobuf/wire'));
  return (content, keys, where) => {
    try {
      return readExample(new wire.BinaryReader(content), keys);
    } catch (error) {
      throw brokenData(where, `it is no tf.train.Example (${reasonOf(error)})`, error);
    }
  };
}

// Wire types: 0 varint, 1 eight bytes, 2 a length and bytes, 5 four bytes.

function readExample(reader: BinaryReader, keys: ReadonlySet<string>): Map<string, Feature> {
  const features = new Map<string, Feature>();
  within(reader, reader.len, (field) => {
    if (field !== 1) return false;
    within(reader, sized(reader), (entry) => {
      if (entry !== 1) return false;
      readEntry(reader, keys, features);
      return true;
    });
    return true;
  });
  return features;
}

/** An entry of the map of features; maps are messages of key and value. */
function readEntry(reader: BinaryReader, keys: ReadonlySet<string>, features: Map<string, Feature>): void {
  let key = '';
  let value: { begin: number; end: number } | undefined;
  const end = sized(reader);
  within(reader, end, (field) => {
    if (field === 1) key = reader.string();
    else if (field === 2) {
      const valueEnd = sized(reader);
      value = { begin: reader.pos, end: valueEnd };
      reader.pos = valueEnd;
    } else return false;
    return true;
  });
  if (value === undefined || !keys.has(key)) return;
  reader.pos = value.begin; // only now, as the key may come behind it
  const feature = readFeature(reader, value.end);
  if (feature !== undefined) features.set(key, feature);
  reader.pos = end;
}

function readFeature(reader: BinaryReader, end: number): Feature | undefined {
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1) return readList(reader, () => reader.bytes());
    if (field === 2) return readPacked(reader, 4, () => reader.float());
    if (field === 3) return readPacked(reader, 0, () => Number(reader.int64()));
    reader.skip(type);
  }
  return undefined;
}

function readList(reader: BinaryReader, read: () => Uint8Array): Uint8Array[] {
  const list: Uint8Array[] = [];
  within(reader, sized(reader), (field) => {
    if (field !== 1) return false;
    list.push(read());
    return true;
  });
  return list;
}

/** Numbers may come packed, all in one field, or each in a field of its own. */
function readPacked(reader: BinaryReader, bytesEach: number, read: () => number): number[] {
  const list: number[] = [];
  within(reader, sized(reader), (field, type) => {
    if (field !== 1) return false;
    if (type !== 2) {
      list.push(read());
      return true;
    }
    const end = sized(reader);
    if (bytesEach > 0 && (end - reader.pos) % bytesEach !== 0) throw new Error('a list of floats is cut off');
    while (reader.pos < end) list.push(read());
    return true;
  });
  return list;
}

/** Where the message ends whose length comes next. */
function sized(reader: BinaryReader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new Error('a message is longer than what it is in');
  return end;
}

function within(reader: BinaryReader, end: number, take: (field: number, type: number) => boolean): void {
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (!take(field, type)) reader.skip(type, field);
  }
}
