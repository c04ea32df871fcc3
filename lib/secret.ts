import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { RingError } from './errors.js';

const secretBytes = 32;

/**
 * The job secret: from `init`'s option, or else from an inherited descriptor, a private file or the environment, whichever is set.
 * No message ever shows it.
 *
 * @returns 32 bytes, or undefined when no source is set
 * @throws {RingError} `RING_CONFIG`: a source is set and unreadable, or not 32 bytes as hex, or a file that others can read
 */
export function readSecret(option: string | Uint8Array | undefined, env: NodeJS.ProcessEnv): Buffer | undefined {
  if (option !== undefined) return typeof option === 'string' ? fromHex(option, 'secret') : fromBytes(option);
  const { TSRING_SECRET_FD: descriptor, TSRING_SECRET_FILE: file, TSRING_SECRET: hex } = env;
  if (descriptor !== undefined) return fromDescriptor(descriptor);
  if (file !== undefined) return fromFile(file);
  return hex === undefined ? undefined : fromHex(hex, 'TSRING_SECRET');
}

function fromBytes(bytes: unknown): Buffer {
  if (bytes instanceof Uint8Array && bytes.length === secretBytes) return Buffer.from(bytes);
  throw refused('secret', `is not ${secretBytes} bytes`);
}

function fromDescriptor(text: string): Buffer {
  if (!/^\d{1,9}$/.test(text))
    throw refused('TSRING_SECRET_FD', `is ${JSON.stringify(text)}, not a descriptor's number`);
  return fromHex(readAll(Number(text), 'TSRING_SECRET_FD'), 'TSRING_SECRET_FD');
}

function fromFile(path: string): Buffer {
  const source = `TSRING_SECRET_FILE ${path}`;
  const fd = attempt(source, () => openSync(path, 'r'));
  try {
    // Asked of the open file, so that it is the one that is read.
    const mode = attempt(source, () => fstatSync(fd)).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw refused(source, `can be read or written by others (mode ${mode.toString(8)}); chmod 600 it`);
    }
    return fromHex(readAll(fd, source), source);
  } finally {
    closeSync(fd);
  }
}

/** Positional reads leave the descriptor's offset alone, so that init can run again, here and in a child that inherits it. */
function readAll(fd: number, source: string): string {
  const bytes = Buffer.alloc(1024);
  const length = attempt(source, () => readSync(fd, bytes, 0, bytes.length, 0));
  return bytes.toString('utf8', 0, length).trim();
}

function fromHex(text: string, source: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  throw refused(source, `does not hold ${2 * secretBytes} hex digits`);
}

function attempt<T>(source: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw refused(source, `cannot be read: ${(error as Error).message}`);
  }
}

function refused(source: string, why: string): RingError {
  return new RingError('RING_CONFIG', `the job secret: ${source} ${why}`);
}
