import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { RingError } from '../errors.js';
import { type Described, layoutOf } from './layout.js';
import { bytesOf } from './message-stream.js';

/** Weights and the optimizer's state, all of it, whatever number of servers had it. */
export interface Checkpoint {
  readonly className: string;
  readonly iterations: number;
  readonly variables: readonly Described[];
  /** As the layout of the variables has them. */
  readonly weights: Float32Array;
  /** What the optimizer remembers, each with one value a weight. */
  readonly slots: readonly { readonly name: string; readonly values: Float32Array }[];
}

/*
 * The file: "TSRC", u32 version, u32 length of the head, the head in JSON, the weights, each slot, and the SHA-256 of all that. Little-endian.
 */
const magic = 'TSRC';
const version = 1;
const digestBytes = 32;
const head = z.object({
  className: z.string(),
  iterations: z.number().int().min(0),
  variables: z.array(z.object({ name: z.string(), shape: z.array(z.number().int().min(0)) })),
  slots: z.array(z.string()),
});

/** Replaces the file as a whole: it is the old one or the new one, whatever happens. @throws {RingError} `RING_INVALID_ARGUMENT` */
export function writeCheckpoint(file: string, { weights, slots, ...rest }: Checkpoint): void {
  const json = Buffer.from(JSON.stringify({ ...rest, slots: slots.map(({ name }) => name) }));
  const start = Buffer.alloc(12);
  start.write(magic, 0);
  start.writeUInt32LE(version, 4);
  start.writeUInt32LE(json.length, 8);
  const parts = [start, json, ...[weights, ...slots.map(({ values }) => values)].map(bytesOf)];
  const digest = createHash('sha256');
  parts.forEach((part) => digest.update(part));
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeThrough(temporary, [...parts, digest.digest()]);
    renameSync(temporary, file);
    syncFolder(path.dirname(file));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new RingError('RING_INVALID_ARGUMENT', `saveCheckpoint: ${(cause as Error).message}`, { cause });
  }
}

/** @throws {RingError} `RING_INVALID_ARGUMENT`: it cannot be read or is no checkpoint; `RING_CORRUPT`: it was cut off or changed */
export function readCheckpoint(file: string): Checkpoint {
  const content = readWhole(file);
  if (content.toString('latin1', 0, 4) !== magic || content.length < 12 + digestBytes)
    throw refused(file, 'is no checkpoint of tsring');
  const found = content.readUInt32LE(4);
  if (found !== version) throw refused(file, `has version ${found} of the format, and this tsring knows ${version}`);
  const body = content.subarray(0, -digestBytes);
  const digest = createHash('sha256').update(body).digest();
  if (!digest.equals(content.subarray(-digestBytes)))
    throw new RingError('RING_CORRUPT', `checkpoint ${file} was cut off or changed after it was written`);
  const begin = 12 + content.readUInt32LE(8);
  const { slots, ...rest } = head.parse(JSON.parse(content.toString('utf8', 12, begin)));
  const { length } = layoutOf(rest.variables);
  // Copies, as the file's bytes need not lie where float32 must.
  const part = (index: number) =>
    new Float32Array(
      new Uint8Array(body.subarray(begin + 4 * length * index, begin + 4 * length * (index + 1))).buffer,
    );
  return { ...rest, weights: part(0), slots: slots.map((name, index) => ({ name, values: part(index + 1) })) };
}

function writeThrough(file: string, parts: readonly Uint8Array[]): void {
  const descriptor = openSync(file, 'w');
  try {
    for (const part of parts)
      for (let done = 0; done < part.byteLength;) done += writeSync(descriptor, part, done, part.byteLength - done);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** So that the new name lasts, too. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readWhole(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw refused(file, `cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function refused(file: string, why: string, options?: ErrorOptions): RingError {
  return new RingError('RING_INVALID_ARGUMENT', `restoreCheckpoint: ${file} ${why}`, options);
}
