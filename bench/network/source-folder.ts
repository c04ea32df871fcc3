import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the programs lie that are not TypeScript, also for the compiled form of this file. */
export function sourceFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json'))) {
    const above = path.dirname(folder);
    if (above === folder) throw new Error('no package.json above this file');
    folder = above;
  }
  return path.join(folder, 'bench', 'network');
}
