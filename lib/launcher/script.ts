import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { RingError } from '../errors.js';
import { nearest } from './nearest.js';

/**
 * The arguments with which `node` runs a command line: a script and its arguments, TypeScript included, from any working directory; or
 * `node`, its own flags, and those.
 *
 * @throws RING_INVALID_ARGUMENT if the script is no readable file, with the name of one that was probably meant
 */
export function nodeArguments([script, ...args]: readonly [string, ...string[]], cwd: string): string[] {
  if (!isNode(script)) return [...forScript(script, cwd), ...args];
  const [first, ...rest] = args;
  if (first === undefined) throw new RingError('RING_INVALID_ARGUMENT', `${script}: which script?`);
  // Some of node's flags take a word after them, so where flags come first it is node that finds the script.
  return first.startsWith('-') ? [...args] : [...forScript(first, cwd), ...rest];
}

/** The script's file, from such a command line; undefined where node's flags come first, so that it is node that finds it. */
export function scriptFile([script, ...args]: readonly [string, ...string[]], cwd: string): string | undefined {
  const own = isNode(script) ? args[0] : script;
  return own === undefined || own.startsWith('-') ? undefined : path.resolve(cwd, own);
}

/** Commands of mpirun and horovodrun begin with the interpreter. */
function isNode(script: string): boolean {
  return script === 'node' || script === process.execPath;
}

function forScript(script: string, cwd: string): string[] {
  const file = path.resolve(cwd, script);
  checkReadable(script, file);
  const isTypeScript = /\.[mc]?tsx?$/.test(file);
  return isTypeScript ? ['--import', import.meta.resolve('tsx'), file] : [file];
}

function checkReadable(script: string, file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) {
    const meant = nearest(path.basename(file), siblings(file));
    const proposal = meant === undefined ? '' : `; did you mean ${path.join(path.dirname(script), meant)}?`;
    throw new RingError('RING_INVALID_ARGUMENT', `there is no script '${script}'${proposal}`);
  }
  if (!stats.isFile()) throw new RingError('RING_INVALID_ARGUMENT', `script '${script}' is not a file`);
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new RingError('RING_INVALID_ARGUMENT', `script '${script}' cannot be read: permission denied`, { cause });
  }
}

function siblings(file: string): string[] {
  try {
    return readdirSync(path.dirname(file));
  } catch {
    return []; // the folder is missing as well, or closed to us: then nothing can be proposed
  }
}
