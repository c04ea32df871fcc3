import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { RingError, ringErrorCodes } from '../lib/errors.js';

const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');

describe('errors', () => {
  it('are all on the page, once, in the same order, and nothing else is', () => {
    assert.deepEqual(
      [...page.matchAll(/^## (\S+)$/gm)].map(([, code]) => code),
      ringErrorCodes,
    );
  });

  it('are each told with when they come and the way out', () => {
    for (const section of page.split(/^## /m).slice(1)) {
      assert.match(section, /^RING_\w+\n\n\*\*When\.\*\* [^]+\n\n\*\*Way out\.\*\* /);
    }
  });

  it('carry code, message and cause', () => {
    const cause = new Error('inner');
    const error = new RingError('RING_TIMEOUT', 'too late', { cause });
    assert.ok(error instanceof Error);
    assert.deepEqual(
      [error.name, error.code, error.message, error.cause],
      ['RingError', 'RING_TIMEOUT', 'too late', cause],
    );
  });
});
