import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EventFile } from '../../lib/training/callbacks/event-file.js';
import { crc32c } from '../../lib/training/crc32c.js';

describe('files for TensorBoard', () => {
  it('have the checksums of RFC 3720', () => {
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  });

  it('are records whose lengths and checksums fit, with the numbers at their places', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tsring-test-'));
    const events = new EventFile(path.join(folder, 'train'));
    events.scalars(300, { loss: 0.5 });
    const records = recordsOf(readFileSync(events.file));
    rmSync(folder, { recursive: true });
    assert.equal(records.length, 2);
    assert.ok(records[0]!.includes('brain.Event:2'));
    // Step 300 as a varint; a summary of one value: tag "loss", simple_value 0.5.
    const expected = Buffer.concat([Buffer.from([0x10, 0xac, 0x02, 0x2a, 13, 0x0a, 11, 0x0a, 4]), Buffer.from('loss')]);
    assert.deepEqual(records[1]!.subarray(9), Buffer.concat([expected, Buffer.from([0x15, 0, 0, 0, 0x3f])]));
  });
});

function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(unmasked(bytes.readUInt32LE(at + 8)), crc32c(bytes.subarray(at, at + 8)));
    assert.equal(unmasked(bytes.readUInt32LE(at + 12 + length)), crc32c(data));
    records.push(data);
    at += length + 16;
  }
  return records;
}

function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
