import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');

/** Lines of code, without empty ones and those that are all comment. */
function codeOf(file: string): string[] {
  const text = readFileSync(path.join(root, 'examples', file), 'utf8').replace(/\/\*[^]*?\*\//g, '');
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('//')); // prettier-ignore
}

/** How many lines of `after` are new or changed: those outside the longest common subsequence. */
function changed(before: readonly string[], after: readonly string[]): number {
  let row = new Array<number>(before.length + 1).fill(0);
  for (const line of after) {
    const next = [0];
    before.forEach((other, j) => next.push(line === other ? row[j]! + 1 : Math.max(next[j]!, row[j + 1]!)));
    row = next;
  }
  return after.length - row.at(-1)!;
}

describe('lines that make a script distributed', () => {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| tsring, \[`(\w[\w-]*)`\]\(examples\/[\w-]+\) +\| +(\d+) +\| +(\d+) \|$/gm)];

  it('are counted in the README', () => assert.ok(rows.length >= 3));

  for (const [, example, differing, all] of rows) {
    it(`of ${example}: ${differing} of ${all}, as the README says`, () => {
      const distributed = codeOf(`${example}/distributed.ts`);
      assert.deepEqual([changed(codeOf(`${example}/plain.ts`), distributed), distributed.length], [Number(differing), Number(all)]); // prettier-ignore
    });
  }
});
