import { existsSync } from 'node:fs';
import path from 'node:path';
import { RingError } from '../errors.js';
import { clearTimeline, mergeTimeline } from '../timeline/merge.js';
import type { LaunchOptions } from './launch-options.js';

/**
 * The timeline that the ranks are told to write, if they are: what is left of an earlier one is taken away. Ranks of other hosts write
 * theirs there; where that is not our file system they are not in it.
 *
 * @throws RING_INVALID_ARGUMENT: no such folder
 */
export function expectTimeline({ environment, cwd }: LaunchOptions): { finish(): Promise<string> } | undefined {
  const name = environment?.['TSRING_TIMELINE'] ?? process.env['TSRING_TIMELINE'];
  if (name === undefined) return undefined;
  const file = path.resolve(cwd ?? process.cwd(), name);
  if (!existsSync(path.dirname(file))) {
    throw new RingError('RING_INVALID_ARGUMENT', `the timeline ${file} cannot be written: there is no such folder`);
  }
  clearTimeline(file);
  return { finish: () => finish(file) };
}

/** One file of the ranks' parts, and a line that says so. */
export async function finish(name: string): Promise<string> {
  const file = path.resolve(name);
  const found = existsSync(path.dirname(file)) ? await mergeTimeline(file) : 0;
  if (found === 0) return `no rank has written a timeline to ${file}\n`;
  return `timeline of ${found === 1 ? 'one rank' : `${found} ranks`} in ${file}\n`;
}
