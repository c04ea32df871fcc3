import assert from 'node:assert/strict';
import { RingError, type RingErrorCode } from '../../lib/errors.js';

/** A check for `assert.throws` and `assert.rejects`: a RingError of this code, whose message matches. */
export function ringError(code: RingErrorCode, message = /./): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof RingError, `not a RingError: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}
