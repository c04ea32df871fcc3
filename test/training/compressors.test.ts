import assert from 'node:assert/strict';
import * as ring from '../../lib/index.js';
import { orthonormalize, randomMatrix } from '../../lib/training/compressors/low-rank.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

describe('compressors that lose something', () => {
  it('say which option is wrong', () => {
    for (const ratio of [0, 1.5, NaN, '1'])
      assert.throws(
        () => ring.compressors.topK({ ratio } as never),
        ringError('RING_INVALID_ARGUMENT', /topK: ratio is/),
      );
    assert.throws(
      () => ring.compressors.topK({ minElements: 0 }),
      ringError('RING_INVALID_ARGUMENT', /minElements is 0; a whole number from 1/),
    );
    assert.throws(
      () => ring.compressors.powerSgd({ rank: 0.5 }),
      ringError('RING_INVALID_ARGUMENT', /powerSgd: rank is 0.5; a whole number from 1/),
    );
  });

  it('make columns orthonormal, and zero where there are too many', () => {
    const rows = 40;
    const matrix = randomMatrix(rows, 4);
    for (let i = 0; i < rows; i++) matrix[4 * i + 3] = matrix[4 * i]! - 2 * matrix[4 * i + 1]!;
    const result = orthonormalize(matrix, rows, 4);
    const dot = (a: number, b: number) =>
      Array.from({ length: rows }, (_, i) => result[4 * i + a]! * result[4 * i + b]!).reduce((x, y) => x + y, 0);
    for (let a = 0; a < 4; a++)
      for (let b = 0; b < 4; b++)
        assert.ok(Math.abs(dot(a, b) - (a === b && a < 3 ? 1 : 0)) < 1e-6, `columns ${a} and ${b}: ${dot(a, b)}`);
  });

  for (const backend of ['cpu', 'wasm', 'tensorflow']) {
    describe(`on two ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('send what they should, and owe the rest', async () => {
        const args = [backend];
        const { ranks } = await tsrun({ np: 2, script: 'scripts/compressors.ts', args, timeoutMs: 50_000 });
        const expected = ['top-k', 'top-k sum', 'PowerSGD', 'PowerSGD error feedback', 'int8', 'leaks'];
        for (const { result } of ranks) assert.deepEqual(result, expected);
      });
    });
  }
});
