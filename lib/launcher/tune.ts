import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { usualFile } from '../tuning/file.js';
import type { LaunchOptions } from './launch-options.js';

/** The job that measures: its ranks run a script of ours, which prints what it finds and writes the file. */
export function tuneOptions({ np, file }: { readonly np: number; readonly file: string | undefined }): LaunchOptions {
  const script = fileURLToPath(new URL(`../tune-ranks${path.extname(import.meta.url)}`, import.meta.url));
  // What was measured before, or asked for, must not decide what is measured now.
  const environment = { TSRING_TUNING_FILE: 'none', TSRING_ALGORITHM: 'auto' };
  return {
    np,
    oversubscribe: true,
    script,
    scriptArgs: [path.resolve(file ?? usualFile())],
    environment,
    tagOutput: false,
  };
}
