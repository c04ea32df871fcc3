import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../lib/setup/cache.js';
import { sourceFolder } from './source-folder.js';

export type Program = 'delay-switch' | 'plain-streams';

/**
 * Path of one of this folder's C++ programs, compiled when it has changed; the results stay in the user's cache folder.
 *
 * @throws what the compiler says, or that there is none
 */
export async function compiled(program: Program): Promise<string> {
  const source = path.join(sourceFolder(), `${program}.cc`);
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const folder = path.join(cacheFolder(), 'network');
  const target = path.join(folder, `${program}-${digest}`);
  if (existsSync(target)) return target;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  const compiler = process.env['CXX'] ?? 'c++';
  await promisify(execFile)(compiler, ['-std=c++20', '-O2', '-pthread', '-o', unfinished, source], {
    timeout: 120_000,
  });
  renameSync(unfinished, target); // another run may be doing the same
  return target;
}
