import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

interface Trained {
  readonly weights: number[][];
  readonly iterations: number;
}

/**
 * Sums are taken in another order, so weights differ by rounding: ten steps at a relative error of 6e-8 a sum, with some to spare.
 * Adam and RMSProp divide by the root of a small mean square, which makes errors of small gradients larger.
 */
const tolerance: Readonly<Record<string, number>> = { sgd: 2e-6, momentum: 2e-6, adam: 1e-4, rmsprop: 1e-4 };

describe('training on N ranks with batch b', () => {
  for (const backend of ['cpu', 'wasm', 'tensorflow']) {
    describe(`on the ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });
      const cases: [optimizer: string, loop: string, nps: number[]][] = [
        ['sgd', 'fit', [2, 3]],
        ['momentum', 'minimize', [2]],
        ['adam', 'applyGradients', [2]],
        ['rmsprop', 'fit', [2]],
      ];
      for (const [optimizer, loop, nps] of backend === 'wasm' ? cases.slice(0, 1) : cases) {
        it(`gives the weights of one rank with batch N*b: ${optimizer} with ${loop}, N = ${nps.join(' and ')}`, async () => {
          const train = async (np: number) => {
            const args = [backend, optimizer, '12', loop];
            const { ranks } = await tsrun({ np, script: 'scripts/train-equal.ts', args, timeoutMs: 50_000 });
            return ranks.map((rank) => rank.result as Trained);
          };
          const [alone] = await train(1);
          assert.equal(alone!.iterations, 10);
          for (const np of nps) {
            const ranks = await train(np);
            assert.deepEqual(ranks, Array(np).fill(ranks[0]), 'the same bits on every rank');
            assertClose(ranks[0]!.weights, alone!.weights, tolerance[optimizer]!);
          }
        });
      }
    });
  }
});

function assertClose(actual: number[][], expected: number[][], tolerance: number): void {
  expected.forEach((tensor, t) =>
    tensor.forEach((value, i) => {
      const difference = Math.abs(actual[t]![i]! - value);
      assert.ok(
        difference <= tolerance,
        `weight ${t}, element ${i}: ${actual[t]![i]} and ${value} differ by ${difference}`,
      );
    }),
  );
}
