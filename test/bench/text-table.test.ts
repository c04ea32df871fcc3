import assert from 'node:assert/strict';
import { textTable } from '../../bench/text-table.js';

describe('bench/text-table', () => {
  const table = textTable<{ name: string; size: number }>([
    { title: 'name', value: (row) => row.name, width: 5, align: 'left' },
    { title: 'size', value: (row) => `${row.size}`, width: 6 },
  ]);

  it('lines columns up, and never cuts a cell', () => {
    assert.equal(table.header, 'name     size');
    assert.equal(table.row({ name: 'a', size: 12 }), 'a          12');
    assert.equal(table.row({ name: 'longer', size: 1234567 }), 'longer  1234567');
  });
});
