import assert from 'node:assert/strict';
import { optionalPackage } from '../../lib/data/optional-package.js';
import { example, framed } from '../../bench/input/record-writer.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';
import { TestFolder } from './files.js';

describe('shares of data in files', () => {
  it('hold every record once, equally many or all; and ranks end that leave a run early', async () => {
    using folder = new TestFolder();
    const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
    const files = [numbers(0, 5), numbers(5, 3), numbers(8, 4), numbers(12, 1), numbers(13, 2), numbers(15, 2)];
    for (const [i, list] of files.entries()) {
      folder.write(`records/${i}`, Buffer.concat(list.map((n) => framed(example({ n: { ints: [n] } })))));
      folder.write(`rows/${i}.csv`, `n\n${list.join('\n')}\n`);
    }
    const { ranks } = await tsrun({
      ...{ np: 3, script: 'scripts/data-shares.ts', args: [folder.path] },
      timeoutMs: 50_000,
    });
    type Name = 'plain' | 'next' | 'uneven' | 'files' | 'allOfFiles' | 'rows';
    const shares = (name: Name) => ranks.map(({ result }) => (result as Record<Name, number[]>)[name]);
    const lengths = (name: Name) => shares(name).map(({ length }) => length);
    const together = (name: Name) => [...new Set(shares(name).flat())].sort((a, b) => a - b);
    for (const name of ['plain', 'next', 'rows'] as const) {
      assert.deepEqual([lengths(name), together(name).length], [[5, 5, 5], 15], name);
    }
    assert.notDeepEqual(shares('plain'), shares('next'));
    assert.deepEqual([lengths('uneven'), together('uneven')], [[6, 6, 5], numbers(0, 17)]);
    // Files 0 and 3, 1 and 4, 2 and 5.
    assert.deepEqual([lengths('allOfFiles'), together('allOfFiles')], [[6, 5, 6], numbers(0, 17)]);
    assert.deepEqual(lengths('files'), [5, 5, 5]);
    const own = [0, 1, 2].map((rank) => new Set([...files[rank]!, ...files[rank + 3]!]));
    for (const [rank, share] of shares('files').entries()) assert.ok(share.every((n) => own[rank]!.has(n)));
  });

  it('say which package to install where one is missing', async () => {
    const name: string = 'a-package-that-nobody-has';
    const load = () => import(name) as Promise<unknown>;
    await assert.rejects(
      optionalPackage('hyparquet', 'Parquet files', load),
      ringError('RING_UNSUPPORTED', /^to read Parquet files, npm install hyparquet$/),
    );
  });
});
