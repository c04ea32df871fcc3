import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendJsonLine } from '../../bench/json-line.js';

describe('bench/json-line', () => {
  it('adds one line a record', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsring-bench-'));
    try {
      const file = join(folder, 'runs.jsonl');
      appendJsonLine(file, { a: 1, text: 'two\nlines' });
      appendJsonLine(file, { loss: NaN });
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      assert.deepEqual(
        lines.map((line) => JSON.parse(line) as unknown),
        [{ a: 1, text: 'two\nlines' }, { loss: null }],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
