import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where downloads and what was built from them are kept: TSRING_CACHE, or `tsring` in the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env['TSRING_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tsring');
}

const unfinished = '.unfinished-';

/**
 * A new empty folder beside `target`, on the same file system, to be filled and then renamed to `target`: so `target`
 * is complete whenever it exists. Folders that killed runs left are removed; the caller holds the lock of `target`.
 */
export async function freshFolderFor(target: string, parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (name.startsWith(target + unfinished)) await rm(join(parent, name), { recursive: true, force: true });
  }
  const folder = join(parent, `${target}${unfinished}${process.pid}`);
  await mkdir(folder);
  return folder;
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
