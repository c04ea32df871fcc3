import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '../../lib/parameter-server/checkpoint.js';
import { ringError } from '../helpers/ring-error.js';

describe('checkpoints', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tsring-checkpoint-'));
  const file = path.join(folder, 'model.checkpoint');
  after(() => rmSync(folder, { recursive: true }));

  const variables = [
    { name: 'größe', shape: [2] },
    { name: 'b', shape: [] },
  ];
  const saved: Checkpoint = {
    className: 'Momentum',
    iterations: 7,
    variables,
    weights: Float32Array.of(1.5, -2, NaN),
    slots: [{ name: 'momentum', values: Float32Array.of(0, Infinity, 3) }],
  };

  it('come back as they were, and replace an older file as a whole', () => {
    writeFileSync(file, 'older');
    writeCheckpoint(file, saved);
    assert.deepEqual(readCheckpoint(file), saved);
    writeCheckpoint(file, { ...saved, slots: [] });
    assert.deepEqual(readCheckpoint(file).slots, []);
    assert.deepEqual(readdirSync(folder), ['model.checkpoint'], 'nothing else is left');
  });

  it('are refused where they are missing, none, cut off or changed', () => {
    writeCheckpoint(file, saved);
    const good = readFileSync(file);
    const changed = (change: (content: Buffer) => Buffer) => () => {
      writeFileSync(file, change(Buffer.from(good)));
      readCheckpoint(file);
    };
    assert.throws(() => readCheckpoint(path.join(folder, 'none')), ringError('RING_INVALID_ARGUMENT', /no such file/));
    assert.throws(changed(() => Buffer.from('{}')), ringError('RING_INVALID_ARGUMENT', /is no checkpoint/)); // prettier-ignore
    assert.throws(changed((content) => content.fill(9, 4, 5)), ringError('RING_INVALID_ARGUMENT', /has version 9/)); // prettier-ignore
    assert.throws(changed((content) => content.subarray(0, -4)), ringError('RING_CORRUPT')); // prettier-ignore
    assert.throws(changed((content) => content.fill(1, 100, 101)), ringError('RING_CORRUPT', /cut off or changed/)); // prettier-ignore
  });

  it('cannot be written where there is no folder: said so, and nothing is left', () => {
    const nowhere = path.join(folder, 'missing', 'file');
    assert.throws(() => writeCheckpoint(nowhere, saved), ringError('RING_INVALID_ARGUMENT', /no such file/));
  });
});
