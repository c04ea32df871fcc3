import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

const timeoutMs = 55_000;
const scripts = 'scripts/parameter-server';

describe('training on parameter servers', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-servers-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** As test/training/equal-weights.test.ts has it: sums in another order, and Adam divides by small numbers. */
  const tolerance: Readonly<Record<string, number>> = { sgd: 2e-6, momentum: 2e-6, adam: 1e-4 };
  for (const [backend, servers, names] of [
    ['cpu', 1, ['sgd', 'adam']],
    ['tensorflow', 2, ['momentum', 'adam']],
  ] as const) {
    describe(`with sync, on 2 ranks and ${servers} of them, ${backend} backend`, () => {
      before(function () {
        if (backend === 'tensorflow') skipWithoutTensorflow(this);
      });

      it(`gives the weights of one process with the whole batch: ${names.join(', ')}`, async () => {
        const flags = ['--ps', String(servers), '--server-backend', backend];
        const args = [backend, ...names];
        const { ranks } = await tsrun({ np: 2, flags, script: `${scripts}/equal.ts`, args, timeoutMs });
        const [chief, other] = ranks.map(({ result }) => result as Record<string, Trained>);
        for (const name of names) {
          const { served, alone } = chief![name]!;
          assert.deepEqual(other![name]!.served, served, `${name}: the same bits on both ranks`);
          const difference = Math.max(...served.flat().map((value, i) => Math.abs(value - alone!.flat()[i]!)));
          assert.ok(difference <= tolerance[name]!, `${name}: differs by ${difference}`);
        }
      });
    });
  }

  it('keeps the bound of staleness, and makes every step', async () => {
    const bounds = ['0', '2', 'Infinity'];
    const args = [folder, ...bounds];
    const flags = ['--ps', '2', '--server-backend', 'cpu'];
    const { ranks } = await tsrun({ np: 2, flags, script: `${scripts}/staleness.ts`, args, timeoutMs });
    const [fast, slow] = ranks.map(({ result }) => result as Record<string, Stepped>);
    for (const bound of bounds) {
      for (const [one, other] of [
        [fast!, slow!],
        [slow!, fast!],
      ] as const) {
        // Who is past its step k has seen the other begin step k - bound.
        one[bound]!.ended.forEach((ended, step) => {
          const needed = other[bound]!.began[step - Number(bound)];
          if (needed !== undefined) assert.ok(needed < ended, `bound ${bound}, step ${step}`);
        });
      }
      const weights = [fast, slow].map((rank) => rank![bound]!.weight);
      assert.equal(Math.max(...weights), 16, `bound ${bound}: whoever is last sees all steps of both`);
      assert.deepEqual([fast, slow].map((rank) => rank![bound]!.iterations), [8, 8]); // prettier-ignore
    }
    const { ended } = fast!['Infinity']!;
    assert.ok(ended.at(-2)! < slow!['Infinity']!.began[0]!, 'without a bound nobody waits');
  });

  it('goes on from a checkpoint as if nothing had been, on another number of servers; what is wrong is said', async () => {
    const run = async (servers: number, mode: string) => {
      const flags = ['--ps', String(servers), '--server-backend', 'cpu'];
      const script = `${scripts}/checkpoint.ts`;
      const { ranks } = await tsrun({ np: 2, flags, script, args: [folder, mode], timeoutMs });
      return ranks.map(({ result }) => result as { results: unknown; errors: string[] });
    };
    const [saved] = await run(2, 'save');
    const restored = await run(3, 'restore');
    for (const { results } of restored) assert.deepEqual(results, saved!.results);
    const expected = [
      /^RING_INVALID_ARGUMENT restoreCheckpoint: variable 0 is "u" \[6\] in the model and "sgd\/v" \[5\] in the checkpoint/,
      /^RING_INVALID_ARGUMENT restoreCheckpoint: .*adam is of Adam, and the optimizer is SGD/,
      /^RING_UNSUPPORTED tfjs cannot give the state of Adamax/,
    ];
    expected.forEach((pattern, index) => assert.match(restored[0]!.errors[index]!, pattern));
    assert.deepEqual(restored[1]!.errors, ['none ', 'none ', 'none '], 'files are the chief’s business');
  });

  it('learns handwritten digits while ranks step at their own pace', async function () {
    this.timeout(120_000);
    const { ranks } = await tsrun({ np: 2, flags: ['--ps', '1'], script: `${scripts}/digits.ts`, timeoutMs: 100_000 });
    for (const { result } of ranks) {
      const { accuracy, iterations } = result as { accuracy: number; iterations: number };
      assert.ok(accuracy > 0.8, `${accuracy} of held-out digits`);
      assert.equal(iterations, 141);
    }
  });
});

interface Trained {
  readonly served: number[][];
  readonly alone?: number[][];
}

interface Stepped {
  readonly began: number[];
  readonly ended: number[];
  readonly weight: number;
  readonly iterations: number;
}
