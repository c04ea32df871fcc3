import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { RingError } from './errors.js';

/** What rank 0 writes for the others: with it one can join the job, so that nobody but its user may read it. */
export interface MeetingNote {
  readonly generation: number;
  readonly jobId: string;
  /** 32 bytes in hex. */
  readonly secret: string;
  /** Where the store may be reached, the likeliest first. */
  readonly hosts: readonly string[];
  readonly port: number;
}

/** Puts the note in place in one step, over what an earlier job has left. @throws {RingError} `RING_CONFIG` */
export function writeNote(file: string, note: MeetingNote): void {
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, JSON.stringify(note), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw refused(file, `cannot be written: ${reason(cause)}`, cause);
  }
}

/**
 * The note, or undefined where there is none (yet).
 *
 * @throws {RingError} `RING_CONFIG` if it is another user's, or others can read or change it: whoever made it could lead us astray
 */
export function readNote(file: string): MeetingNote | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refused(file, `cannot be read: ${reason(cause)}`, cause);
  }
  try {
    const { mode, uid } = fstatSync(fd);
    if (uid !== process.getuid?.()) throw refused(file, `belongs to another user (${uid})`);
    if ((mode & 0o077) !== 0)
      throw refused(file, `can be read or written by others (mode ${(mode & 0o777).toString(8)})`);
    return parse(readFileSync(fd, 'utf8'));
  } finally {
    closeSync(fd);
  }
}

/** Takes our own note away; another job's may be there by now. */
export function removeNote(file: string, { jobId }: MeetingNote): void {
  try {
    if (readNote(file)?.jobId === jobId) rmSync(file, { force: true });
  } catch {
    return; // not ours any more
  }
}

/** Undefined for anything that is no note: it is some other file, or the job it belongs to is long over. */
function parse(text: string): MeetingNote | undefined {
  try {
    const note = JSON.parse(text) as Partial<MeetingNote>;
    const isNote =
      typeof note.generation === 'number' &&
      typeof note.jobId === 'string' &&
      /^[0-9a-f]{64}$/.test(note.secret ?? '') &&
      Array.isArray(note.hosts) &&
      note.hosts.every((host) => typeof host === 'string') &&
      typeof note.port === 'number';
    return isNote ? (note as MeetingNote) : undefined;
  } catch {
    return undefined;
  }
}

function refused(file: string, why: string, cause?: unknown): RingError {
  return new RingError('RING_CONFIG', `the file to meet at, ${file}, ${why}`, cause === undefined ? {} : { cause });
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
