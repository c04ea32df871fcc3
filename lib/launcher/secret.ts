import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface JobSecret {
  /** 32 random bytes. */
  readonly bytes: Buffer;
  /** A file without a name that holds the secret in hex, for ranks to inherit. Closed by the job's owner. */
  readonly fd: number;
  close(): void;
}

/** Makes a job's secret, or keeps one. It reaches the ranks through a descriptor: arguments and environments can be read by others. */
export function createSecret(bytes: Buffer = randomBytes(32)): JobSecret {
  const file = path.join(tmpdir(), `.tsring-${randomUUID()}`);
  const fd = openSync(file, 'wx+', 0o600);
  try {
    unlinkSync(file); // before anything is in it
    writeSync(fd, bytes.toString('hex'));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { bytes, fd, close: () => closeSync(fd) };
}
