import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

type Results = Record<string, { weights: number[][]; early: number }>;

describe('gradients that are reduced during backward', () => {
  for (const backend of ['cpu', 'wasm', 'tensorflow']) {
    describe(`on two ranks, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it('are started in time, and give the weights that reducing after backward gives', async () => {
        const run = { np: 2, script: 'scripts/overlap.ts', args: [backend], timeoutMs: 50_000 };
        const { ranks } = await tsrun({ ...run, env: { TSRING_LOG_LEVEL: 'debug' } });
        const [first, second] = ranks.map(({ result }) => result as { results: Results; unused: number });
        assert.deepEqual(second, first, 'the same bits on every rank');
        assert.equal(first!.unused, 1);
        const { results } = first!;
        for (const loop of ['fit', 'custom', 'minimize']) {
          const [overlapped, plain] = [results[`${loop} with`]!, results[`${loop} without`]!];
          // Sums of two have the same bits in any order.
          assert.deepEqual(overlapped.weights, plain.weights, loop);
          // Four steps after the first, each with the bucket of the first layer at least.
          assert.ok(
            overlapped.early >= 4,
            `${loop}: ${overlapped.early} buckets were started before the end of backward`,
          );
          assert.equal(plain.early, 0, loop);
          const [spare, none] = [results[`${loop} with spare processors`]!, results[`${loop} with one processor`]!];
          assert.deepEqual([spare.weights, none.weights], [plain.weights, plain.weights], loop);
          assert.ok(spare.early >= 4 && none.early === 0, `${loop}: ${spare.early} and ${none.early} without a word`);
        }
        const said = ranks.map(({ stderr }) => stderr.filter((line) => line.includes('gradients are reduced')));
        assert.equal(said[0]!.filter((line) => line.includes('while backward computes others')).length, 3);
        assert.match(said[0]!.at(-1)!, /reduced after backward, as the first rank has 1 of its host's processors for itself, none to spare$/); // prettier-ignore
        assert.deepEqual(said[1], []);
      });
    });
  }

  it('are reduced after backward where tfjs has no tape as expected, which is said once', async () => {
    const args = ['cpu', 'without tape'];
    const { ranks } = await tsrun({ np: 2, script: 'scripts/overlap.ts', args, timeoutMs: 50_000 });
    for (const { result, stderr } of ranks) {
      const { results } = result as { results: Results };
      assert.deepEqual(results['fit with']!.weights, results['fit without']!.weights);
      for (const loop of ['fit', 'minimize']) assert.equal(results[`${loop} with`]!.early, 0);
      const lines = stderr.filter((line) => line.startsWith('tsring: '));
      assert.deepEqual(lines.length, 1, stderr.join('\n'));
      assert.match(lines[0]!, /no gradient tape as we know it; gradients are reduced after backward, not during it/);
    }
  });
});
