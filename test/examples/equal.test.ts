import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

interface Trained {
  /** Largest difference of a weight from that of one process with whole batches, by example and optimizer. */
  readonly apart: Readonly<Record<string, number>>;
  readonly digest: string;
}

/**
 * Of weights up to 1, after six steps: sums are taken in another order, so each step adds some roundings of 6e-8. Adam divides by the root
 * of a small mean square, which makes errors of small gradients larger.
 */
const bound = (what: string) => (what.endsWith('adam') ? 1e-4 : 2e-6);

describe("the examples' models", function () {
  this.timeout(120_000);

  for (const [backend, np] of [
    ['wasm', 3],
    ['tensorflow', 2],
  ] as const) {
    it(`have the same weights on ${np} ranks as in one process with whole batches: ${backend} backend`, async function () {
      if (backend === 'tensorflow') skipWithoutTensorflow(this);
      const env = { EXAMPLE_BACKEND: backend };
      const { ranks } = await tsrun({ np, script: 'scripts/examples-equal.ts', env, timeoutMs: 110_000 });
      const [first, ...others] = ranks.map(({ result }) => result as Trained);
      for (const { digest } of others) assert.equal(digest, first!.digest, 'the same bits on every rank');
      const examples = ['mnist', 'tabular', 'custom-loop', 'fine-tuning', 'gan', 'uneven'];
      const expected = examples.flatMap((example) => ['sgd', 'momentum', 'adam'].map((name) => `${example}, ${name}`));
      assert.deepEqual(Object.keys(first!.apart), expected);
      for (const [what, difference] of Object.entries(first!.apart))
        assert.ok(difference <= bound(what), `${what}: ${difference} apart`);
    });
  }
});
