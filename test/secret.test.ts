import assert from 'node:assert/strict';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readSecret } from '../lib/secret.js';
import { ringError } from './helpers/ring-error.js';

const hex = '0123456789abcdef'.repeat(4);
const bytes = Buffer.from(hex, 'hex');

describe('job secret', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tsring-secret-'));
    file = path.join(folder, 'secret');
    writeFileSync(file, `${hex}\n`, { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('comes from the option, the descriptor, the file or the variable, in that order', () => {
    const descriptor = openSync(file, 'r');
    try {
      const others = { TSRING_SECRET_FILE: '/nowhere', TSRING_SECRET: 'no hex' };
      assert.deepEqual(readSecret(undefined, { TSRING_SECRET_FD: String(descriptor), ...others }), bytes);
      assert.deepEqual(readSecret(undefined, { TSRING_SECRET_FD: String(descriptor) }), bytes, 'a second time');
      assert.deepEqual(readSecret(undefined, { ...others, TSRING_SECRET_FILE: file }), bytes);
      assert.deepEqual(readSecret(undefined, { TSRING_SECRET: hex }), bytes);
      assert.deepEqual(readSecret(hex.toUpperCase(), others), bytes);
      assert.equal(readSecret(undefined, {}), undefined);
    } finally {
      closeSync(descriptor);
    }
  });

  for (const mode of [0o640, 0o604, 0o660, 0o602]) {
    it(`is not read from a file of mode ${mode.toString(8)}`, () => {
      chmodSync(file, mode);
      const read = () => readSecret(undefined, { TSRING_SECRET_FILE: file });
      assert.throws(read, ringError('RING_CONFIG', new RegExp(`by others \\(mode ${mode.toString(8)}\\)`)));
    });
  }

  it('is refused when unreadable or not 32 bytes, without being shown', () => {
    const wrong = 'beef'.repeat(3);
    writeFileSync(file, wrong, { mode: 0o600 });
    const sources: [Parameters<typeof readSecret>, RegExp][] = [
      [[wrong, {}], /secret/],
      [[new Uint8Array(31), {}], /not 32 bytes/],
      [[undefined, { TSRING_SECRET: wrong }], /TSRING_SECRET does not hold 64 hex digits/],
      [[undefined, { TSRING_SECRET_FILE: file }], /does not hold 64 hex digits/],
      [[undefined, { TSRING_SECRET_FILE: path.join(folder, 'none') }], /cannot be read: ENOENT/],
      [[undefined, { TSRING_SECRET_FD: 'x' }], /TSRING_SECRET_FD is "x"/],
      [[undefined, { TSRING_SECRET_FD: '987654' }], /cannot be read: EBADF/],
    ];
    for (const [args, message] of sources) {
      assert.throws(
        () => readSecret(...args),
        (error: Error) => {
          assert.ok(!error.message.includes(wrong), error.message);
          return ringError('RING_CONFIG', message)(error);
        },
      );
    }
  });
});
