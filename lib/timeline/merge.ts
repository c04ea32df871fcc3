import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { timelineParts } from './part.js';

/** Takes away what an earlier job has left. */
export function clearTimeline(file: string): void {
  for (const part of timelineParts(file)) rmSync(part, { force: true });
}

/**
 * Makes one timeline of the ranks' parts, whose clocks are alike, and takes the parts away. Parts may be cut off, as a killed rank
 * leaves them, and large: they are read line by line.
 *
 * @returns how many ranks have given a part; with 0 no file is written
 */
export async function mergeTimeline(file: string): Promise<number> {
  const there = timelineParts(file);
  if (there.length === 0) return 0;
  const out = createWriteStream(file);
  let before = '[\n';
  for (const part of there) {
    for await (const line of createInterface({ input: createReadStream(part), crlfDelay: Infinity })) {
      const event = line.replace(/,$/, '');
      if (!isEvent(event)) continue;
      if (!out.write(before + event)) await once(out, 'drain');
      before = ',\n';
    }
  }
  out.end('\n]\n');
  await once(out, 'close');
  there.forEach((part) => rmSync(part));
  return there.length;
}

/** Not the brackets around them, and not the half of one. */
function isEvent(line: string): boolean {
  if (!line.startsWith('{') || !line.endsWith('}')) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
