import { deserialize, serialize } from 'node:v8';
import { checkedRoot, invalid } from '../arguments.js';
import { allgather, allgatherSync } from '../collectives.js';
import { sessionOf } from '../process-set.js';
import type { NamedOptions } from './named.js';

/**
 * Gives every rank the root's value: anything that a structured clone can hold (numbers, strings, arrays, plain objects, maps, sets, dates,
 * typed arrays, bigints, cycles), never code. Classes come as plain objects.
 *
 * @param value - only the root's counts
 * @throws {RingError} `RING_INVALID_ARGUMENT` on the root, for a function or a symbol in the value: then nothing is sent
 */
export async function broadcastObject<T>(value: T, rootRank = 0, options: NamedOptions = {}): Promise<T> {
  const { bytes, named } = spreading('broadcastObject', value, rootRank, options);
  return decoded(await allgather(bytes, named))[0] as T;
}

/** As {@link broadcastObject}, blocking this thread until done. */
export function broadcastObjectSync<T>(value: T, rootRank = 0, options: NamedOptions = {}): T {
  const { bytes, named } = spreading('broadcastObjectSync', value, rootRank, options);
  return decoded(allgatherSync(bytes, named))[0] as T;
}

/**
 * Gives every rank the values of all, in the order of the ranks. They may be of any size, and of any kinds that `broadcastObject` takes.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT` for a function or a symbol in the value: then nothing is sent
 */
export async function allgatherObject<T>(value: T, options: NamedOptions = {}): Promise<T[]> {
  const { bytes, named } = gathering('allgatherObject', value, options);
  return decoded(await allgather(bytes, named)) as T[];
}

/** As {@link allgatherObject}, blocking this thread until done. */
export function allgatherObjectSync<T>(value: T, options: NamedOptions = {}): T[] {
  const { bytes, named } = gathering('allgatherObjectSync', value, options);
  return decoded(allgatherSync(bytes, named)) as T[];
}

interface Call {
  readonly bytes: Uint8Array;
  readonly named: NamedOptions;
}

function spreading(where: string, value: unknown, rootRank: number, options: NamedOptions): Call {
  const session = sessionOf(where, options.processSet);
  const root = checkedRoot(where, rootRank, session.ranks);
  const isRoot = session.ranks[session.config.rank] === root;
  const bytes = isRoot ? encoded(where, value) : new Uint8Array();
  return { bytes, named: { ...options, name: options.name ?? session.nextName('broadcastObject') } };
}

function gathering(where: string, value: unknown, options: NamedOptions): Call {
  const session = sessionOf(where, options.processSet);
  const bytes = encoded(where, value);
  return { bytes, named: { ...options, name: options.name ?? session.nextName('allgatherObject') } };
}

const lengthBytes = 8;

/** The value's length in bytes, then its structured clone: so those of several ranks can follow each other. */
function encoded(where: string, value: unknown): Uint8Array {
  const bytes = clone(where, value);
  const framed = new Uint8Array(lengthBytes + bytes.length);
  new DataView(framed.buffer).setBigUint64(0, BigInt(bytes.length), true);
  framed.set(bytes, lengthBytes);
  return framed;
}

function clone(where: string, value: unknown): Uint8Array {
  try {
    return serialize(value);
  } catch (error) {
    throw invalid(where, `the value cannot be sent: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function decoded(bytes: Uint8Array): unknown[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    const begin = at + lengthBytes;
    at = begin + Number(view.getBigUint64(at, true));
    values.push(deserialize(bytes.subarray(begin, at)));
  }
  return values;
}
