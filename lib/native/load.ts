import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonPath } from '../config.js';
import { RingError } from '../errors.js';
import type { NativeAddon } from './binding.js';

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded once a thread (a worker has modules, and so an addon instance, of its own).
 *
 * @throws {RingError} `RING_ADDON` with the reason and the way out
 */
export function loadAddon(): NativeAddon {
  if (loaded !== undefined) return loaded;
  const addon = requireAddon();
  addon.setErrorClass(RingError);
  loaded = addon;
  return addon;
}

function requireAddon(): NativeAddon {
  const require = createRequire(import.meta.url);
  const file = addonPath();
  try {
    if (file !== undefined) return require(path.resolve(file)) as NativeAddon;
    const loadBuild = require('node-gyp-build') as (folder: string) => unknown;
    return loadBuild(packageFolder()) as NativeAddon;
  } catch (error) {
    const where = file === undefined ? '' : ` from TSRING_ADDON=${file}`;
    throw new RingError(
      'RING_ADDON',
      `the native addon cannot be loaded${where}: ${(error as Error).message.trim()}\n` +
        (file === undefined
          ? 'Build it with `npm rebuild tsring` (in a clone of the repository: `npm run build`); it needs a C++ compiler and python3.'
          : 'Unset TSRING_ADDON to use the build that belongs to the package.'),
      { cause: error },
    );
  }
}

/** The package's root: this file runs from lib/native and, compiled, from dist/lib/native. */
function packageFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder))
    folder = path.dirname(folder);
  return folder;
}
