import assert from 'node:assert/strict';
import { parseCollectivesOptions, parseSizes } from '../../bench/collectives-options.js';
import { table, tsv } from '../../bench/collectives-report.js';
import { formatSize, formatTime } from '../../lib/units.js';

describe('bench/collectives-report', () => {
  const row = {
    ranks: 4,
    bytes: 2 ** 20,
    iterations: 100,
    minSeconds: 0.0005,
    medianSeconds: 0.001,
    maxSeconds: 2,
    backToBackSeconds: 0.0008,
    correct: true,
    algorithm: 'ring',
  };

  it('prints rows for people and, in the shared columns, for tables', () => {
    assert.match(table.row(row), /^ +1 MB +100 +500\.0 us +1\.00 ms +2\.000 s +800\.0 us +ring +1\.049 +1\.573 +ok$/);
    assert.equal(tsv.row(row), 'tsring\t4\t1048576\t100\t500.00\t1000.00\t800.00\t1.049\t1.573\t1.966\tok');
    assert.equal(
      tsv
        .row({ ...row, correct: false })
        .split('\t')
        .at(-1),
      'WRONG',
    );
    assert.equal(tsv.header.split('\t').length, tsv.row(row).split('\t').length);
  });

  it('reads and writes sizes and times', () => {
    assert.deepEqual(parseSizes('4,64k, 1M,2G,12B'), [4, 65536, 2 ** 20, 2 ** 31, 12]);
    assert.deepEqual([4, 65536, 1.5 * 2 ** 20].map(formatSize), ['4 B', '64 KB', '1.5 MB']);
    assert.deepEqual([2e-6, 0.02, 3].map(formatTime), ['2.0 us', '20.00 ms', '3.000 s']);
    for (const bad of ['0', '6', '', '4x', '-4', '1.5M']) assert.throws(() => parseSizes(bad), /is no size/, bad);
  });

  it('names what is wrong on the command line', () => {
    assert.match(parseCollectivesOptions(['--sizes', '4,7']).exit!.text, /"7" is no size/);
    assert.match(parseCollectivesOptions(['--size', '4']).exit!.text, /Did you mean --sizes/);
    assert.equal(parseCollectivesOptions([]).options!.sizes.length, 7);
  });
});
