import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SetupFailure } from './failure.js';

/** A file that somebody offers, and how to tell that what arrived is it. */
export interface RemoteFile {
  /** http, https or file. */
  readonly url: string;
  /** Hex. */
  readonly sha256: string;
}

export interface DownloadOptions {
  /** How long the other side may send nothing. */
  readonly idleTimeoutMs: number;
  /** @param total - bytes in all, where the server tells */
  readonly onProgress: (received: number, total?: number) => void;
}

const attemptsWithoutProgress = 3;

/**
 * Downloads to `path`, going on where an earlier attempt left `path` + '.part'. `path` exists only once its hash is right.
 *
 * @throws {SetupFailure} not reachable, cut off three times without a byte in between, or not the bytes that were promised
 */
export async function download(file: RemoteFile, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  if (file.url.startsWith('file:')) await copyFile(fileURLToPath(file.url), part);
  else await fetchAll(file.url, part, options);
  const actual = await hashOf(part);
  if (actual !== file.sha256) {
    await rm(part, { force: true }); // going on from wrong bytes cannot end well
    throw new SetupFailure(
      `${file.url} does not have the promised bytes (sha256 ${actual}, not ${file.sha256}); removed, try again`,
    );
  }
  await rename(part, path);
}

async function fetchAll(url: string, part: string, options: DownloadOptions): Promise<void> {
  for (let failures = 0; ;) {
    const before = await sizeOf(part);
    try {
      await fetchRest(url, part, before, options);
      return;
    } catch (error) {
      if (error instanceof SetupFailure) throw error;
      failures = (await sizeOf(part)) > before ? 0 : failures + 1;
      if (failures === attemptsWithoutProgress) {
        throw new SetupFailure(`cannot download ${url}: ${describe(error)}`, { cause: error });
      }
    }
  }
}

/** One request for what is missing after the first `have` bytes. */
async function fetchRest(
  url: string,
  part: string,
  have: number,
  { idleTimeoutMs, onProgress }: DownloadOptions,
): Promise<void> {
  const idle = new AbortController();
  const giveUp = () => idle.abort(new Error(`nothing arrived for ${idleTimeoutMs / 1000} s`));
  let timer = setTimeout(giveUp, idleTimeoutMs);
  try {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (have > 0) headers['range'] = `bytes=${have}-`;
    const response = await fetch(url, { headers, signal: idle.signal });
    if (response.status === 416) {
      await response.body?.cancel();
      return; // nothing is missing; the hash tells whether that is true
    }
    if (!response.ok || !response.body) throw new SetupFailure(`cannot download ${url}: status ${response.status}`);
    const resumed = response.status === 206;
    let received = resumed ? have : 0;
    const length = response.headers.get('content-length');
    const total = length === null ? undefined : received + Number(length);
    const out = createWriteStream(part, { flags: resumed ? 'a' : 'w' });
    try {
      for await (const bytes of response.body) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, idleTimeoutMs);
        if (!out.write(bytes)) await once(out, 'drain');
        received += (bytes as Uint8Array).byteLength;
        onProgress(received, total);
      }
    } finally {
      out.end();
      await once(out, 'close');
    }
    if (total !== undefined && received !== total) throw new Error(`cut off after ${received} of ${total} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

async function hashOf(path: string): Promise<string> {
  const hash: Hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** fetch() says only "fetch failed"; the reason is in the cause. */
function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
