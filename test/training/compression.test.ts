import assert from 'node:assert/strict';
import * as ring from '../../lib/index.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

interface Trained {
  readonly accuracy: number;
  readonly loss: number;
  readonly weights: number;
}

describe('compression of gradients', () => {
  it('trains on handwritten digits as none does, to the same weights on all ranks', async () => {
    const { ranks } = await tsrun({ np: 2, script: 'scripts/compression.ts', timeoutMs: 50_000 });
    const results = ranks.map(({ result }) => result as { none: Trained } & Record<string, Trained>);
    assert.deepEqual(results[1], results[0], 'the same bits on both ranks');
    const { none, ...compressed } = results[0]!;
    assert.ok(none.accuracy > 0.85, `${none.accuracy} without`);
    // Of 1000 held-out digits; all start from the same weights and take the same batches. Those that send less with a step are later.
    for (const [name, { accuracy, loss, weights }] of Object.entries(compressed)) {
      const later = ['topK', 'powerSgd'].includes(name);
      assert.ok(Math.abs(accuracy - none.accuracy) <= 0.02, `${accuracy} with ${name}, ${none.accuracy} without`);
      const bound = (later ? 0.2 : 0.05) * none.loss;
      assert.ok(Math.abs(loss - none.loss) <= bound, `${loss} with ${name}, ${none.loss} without`);
      assert.notEqual(weights, none.weights, `${name} is at work`);
    }
  });

  it('is that of the numbers, and leaves integers alone', async () => {
    const { ranks } = await tsrun({ np: 2, script: 'scripts/compression-calls.ts', timeoutMs: 20_000 });
    for (const { result } of ranks) {
      // 1/3 and 1000/3 in 11 and in 8 bits.
      const expected = {
        fp16: [0.333251953125, 333.25],
        bf16: [0.333984375, 334],
        tensor: [0.333984375, 334],
        int8: [127, 0.5],
      };
      const int8Tensors = [[254, 4], [0.5]];
      assert.deepEqual(result, { ...expected, int8Tensors, whole: [33_554_434], alone: [1, 2] });
    }
  });

  it('is one of four', async () => {
    await ring.init();
    const options = { compression: 'fp8' as ring.Compression };
    assert.throws(
      () => ring.allreduceSync(Float32Array.of(1), options),
      ringError('RING_INVALID_ARGUMENT', /compression is "fp8"; one of none, fp16, bf16, int8/),
    );
    assert.throws(
      () => ring.allreduceSync(Float32Array.of(1), { compression: 'int8', op: 'max' }),
      ringError('RING_INVALID_ARGUMENT', /compression 'int8' is for sums and averages, not for op 'max'/),
    );
    await ring.shutdown();
  });
});
