import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { RingError } from '../errors.js';

/** The file of one stream of one rank. Where it cannot be written any more, which is told once, what follows goes to `instead`. */
export class OutputFile {
  /**
   * @param name - of the rank's folder
   * @throws RING_LAUNCH if the file cannot be made
   */
  static async create(
    folder: string,
    name: string,
    stream: 'stdout' | 'stderr',
    fallback: Fallback,
  ): Promise<OutputFile> {
    const file = path.join(folder, name, stream);
    try {
      mkdirSync(path.dirname(file), { recursive: true });
      return new OutputFile(file, await open(file, 'w'), fallback);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new RingError('RING_LAUNCH', `--output-filename: ${why}`, { cause });
    }
  }

  private hasFailed = false;

  private constructor(
    private readonly name: string,
    private readonly handle: FileHandle,
    private readonly fallback: Fallback,
  ) {}

  async write(lines: Buffer): Promise<void> {
    let rest = lines;
    try {
      while (!this.hasFailed && rest.length > 0) rest = rest.subarray((await this.handle.write(rest)).bytesWritten);
    } catch (error) {
      this.hasFailed = true;
      await this.fallback.tell(`${this.name} cannot be written: ${reason(error)}; what follows is printed here`);
    }
    if (rest.length > 0) await this.fallback.write(rest);
  }

  async close(): Promise<void> {
    await this.handle.close().catch((error: unknown) => this.fallback.tell(`${this.name}: ${reason(error)}`));
  }
}

/** Where lines go that the file does not take. */
interface Fallback {
  readonly tell: (line: string) => Promise<void>;
  readonly write: (lines: Buffer) => Promise<void>;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
