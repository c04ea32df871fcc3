import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { ownRange } from '../../lib/training/own-shard.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

describe('optimizer state that is spread over the ranks', () => {
  it('is shared out without gap or overlap, as equally as it goes', () => {
    for (const count of [0, 1, 2, 7, 12])
      for (const size of [1, 2, 3, 5]) {
        const ranges = [...Array(size).keys()].map((rank) => ownRange(count, { rank, size }));
        ranges.forEach(({ begin }, rank) => {
          const before = ranges[rank - 1];
          assert.equal(begin, before === undefined ? 0 : before.begin + before.length);
        });
        assert.equal(ranges.at(-1)!.begin + ranges.at(-1)!.length, count);
        assert.ok(ranges[0]!.length - ranges.at(-1)!.length <= 1);
      }
  });

  it('is refused where it cannot be right', () => {
    class Layerwise extends tf.SGDOptimizer {
      override applyGradients(gradients: Parameters<tf.SGDOptimizer['applyGradients']>[0]): void {
        super.applyGradients(gradients);
      }
    }
    const make = (options: object) => () => new ring.DistributedOptimizer(new Layerwise(1), options);
    assert.throws(make({ shardOptimizerState: true }), ringError('RING_INVALID_ARGUMENT', /has an applyGradients of its own/)); // prettier-ignore
    assert.throws(make({ shardOptimizerState: 1 }), ringError('RING_INVALID_ARGUMENT', /true, false or 'elementwise'/));
    const compressed = { shardOptimizerState: 'elementwise', compression: 'fp16' };
    assert.throws(make(compressed), ringError('RING_INVALID_ARGUMENT', /leave compression out/));
    make({ shardOptimizerState: 'elementwise' })();
  });

  for (const [backend, np] of [
    ['cpu', 3],
    ['wasm', 2],
    ['tensorflow', 2],
  ] as const) {
    describe(`on ${np} ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('gives the weights that whole state gives, is smaller, and can be saved and loaded', async () => {
        const { ranks } = await tsrun({ np, script: 'scripts/sharded-state.ts', args: [backend], timeoutMs: 55_000 });
        for (const { result } of ranks)
          assert.deepEqual(result, ['as unsharded', 'less is kept', 'beside other options']);
      });
    });
  }
});
