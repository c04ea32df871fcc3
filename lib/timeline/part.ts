import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Where a rank writes its part of the timeline `file`: `out.rank-3.json` of `out.json`. */
export function timelinePart(file: string, rank: number): string {
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}.rank-${rank}${ext}`);
}

/** The parts of `file` that are there, in order of rank. */
export function timelineParts(file: string): string[] {
  const { dir, name, ext } = path.parse(file);
  const rankOf = (part: string) => Number(part.slice(`${name}.rank-`.length, part.length - ext.length));
  return readdirSync(dir)
    .filter((part) => part === path.basename(timelinePart(file, rankOf(part))))
    .sort((a, b) => rankOf(a) - rankOf(b))
    .map((part) => path.join(dir, part));
}
