import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { ringError } from '../helpers/ring-error.js';
import { tsrun } from '../helpers/tsrun.js';

interface Trained {
  readonly set: number;
  readonly weights: number[][];
  readonly mismatch: string;
  readonly outside: string;
}

describe('training in process sets', () => {
  for (const backend of ['wasm', 'tensorflow']) {
    describe(`on the ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('two sets train different models side by side, each as one process with all of its data', async () => {
        const args = [backend];
        const { ranks } = await tsrun({ np: 4, script: 'scripts/two-models.ts', args, timeoutMs: 55_000 });
        const results = ranks.map(({ result }) => result as Trained);
        assert.deepEqual(results[0]!.weights, results[2]!.weights, 'the same bits in a set');
        assert.deepEqual(results[1]!.weights, results[3]!.weights, 'the same bits in a set');
        for (const { set, mismatch, outside } of results) {
          assert.match(
            mismatch,
            new RegExp(`"other" float32 \\[${set + 3}\\] on rank ${set + 2} and .* on rank ${set} `),
          );
          assert.match(outside, /the process set has ranks (0, 2|1, 3); ask set\.included\(\) first/);
        }
      });
    });
  }

  it('a processSet that is none is refused when the optimizer is made', () => {
    const make = () => new ring.DistributedOptimizer(tf.train.sgd(1), { processSet: [0, 1] as never });
    assert.throws(make, ringError('RING_INVALID_ARGUMENT', /processSet is an object \(Array\); a ProcessSet/));
  });
});
