import { randomUUID } from 'node:crypto';
import { watch } from 'node:fs';
import { link, mkdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { SetupFailure } from './failure.js';

const touchEveryMs = 5_000;
const staleAfterMs = 60_000;

interface Owner {
  readonly host: string;
  readonly pid: number;
  readonly id: string;
}

/**
 * Runs `work` while no other process does so under the same lock file. The holder touches the file while it lives, so
 * the lock of a killed process is taken over: at once on the same machine, after a minute where another one held it.
 *
 * Two waiters may take the same stale lock over in one instant and both go on. What is done under this lock must
 * survive that: files are renamed into place whole, downloads are checked by hash.
 *
 * @param onWait - called once if another process holds the lock
 * @throws {SetupFailure} when the lock is not free within `timeoutMs`
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  { timeoutMs, onWait }: { timeoutMs: number; onWait: () => void },
): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const owner: Owner = { host: hostname(), pid: process.pid, id: randomUUID() };
  const deadline = Date.now() + timeoutMs;
  let told = false;
  while (!(await take(file, owner))) {
    if (await isStale(file)) {
      await removeStale(file, owner);
      continue;
    }
    if (Date.now() > deadline) throw new SetupFailure(`another process has held ${file} for ${timeoutMs / 60_000} min`);
    if (!told) onWait();
    told = true;
    await changed(file);
  }
  const touching = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), touchEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    if ((await readOwner(file))?.id === owner.id) await rm(file, { force: true });
  }
}

/** Puts a complete file in place, or nothing: linking fails where the name is taken. */
async function take(file: string, owner: Owner): Promise<boolean> {
  const mine = `${file}.${owner.id}`;
  await writeFile(mine, JSON.stringify(owner));
  try {
    await link(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(mine);
  }
}

async function isStale(file: string): Promise<boolean> {
  const owner = await readOwner(file);
  const touched = await stat(file).catch(() => undefined);
  if (!owner || !touched) return false; // just released
  if (owner.host === hostname() && !isAlive(owner.pid)) return true;
  return Date.now() - touched.mtimeMs > staleAfterMs;
}

/** Moves the file aside first, so that of several processes that saw it stale only one removes it. */
async function removeStale(file: string, owner: Owner): Promise<void> {
  const aside = `${file}.stale.${owner.id}`;
  await rename(file, aside).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Resolves when something changes in the folder of `file`, or after a second: a death changes no file. */
function changed(file: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(file));
    const done = () => {
      clearTimeout(timer);
      watcher.close();
      resolve();
    };
    const timer = setTimeout(done, 1_000);
    watcher.once('change', done);
    watcher.once('error', done);
  });
}
