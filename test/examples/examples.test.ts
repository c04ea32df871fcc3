import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tsrun } from '../helpers/tsrun.js';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
/** Small nets: WebAssembly is as good for them as TensorFlow, and starts sooner. */
const env = { EXAMPLE_BACKEND: 'wasm' };

describe('examples', function () {
  this.timeout(120_000);

  it('tabular: two ranks learn the spirals as one process does', async () => {
    const { alone, together } = await both('tabular', 'accuracy');
    assert.ok(alone > 0.9, `${alone} alone`);
    assert.ok(together > 0.9, `${together} on two ranks`);
  });

  it('custom-loop: a hundred steps with momentum on two ranks come to the loss of one process', async () => {
    const { alone, together } = await both('custom-loop', 'loss');
    assert.ok(alone < 0.3, `${alone} alone`);
    // The sums over a batch are taken in another order; the loss is printed with five digits.
    assert.ok(Math.abs(together - alone) <= 2e-5, `${together} on two ranks, ${alone} alone`);
  });

  it('uneven: ranks with 6 and 14 batches an epoch learn the spirals as one process does', async () => {
    const { alone, together } = await both('uneven', 'accuracy');
    assert.ok(alone > 0.9, `${alone} alone`);
    assert.ok(together > 0.9, `${together} on two ranks`);
  });

  it('gan: two optimizers make a generator that makes numbers around 3', async () => {
    const { alone, together } = await both('gan', 'mean');
    for (const mean of [alone, together])
      assert.ok(Math.abs(mean - 3) < 0.8, `${alone} alone, ${together} on two ranks`);
  });

  it('fine-tuning: a model that only rank 0 reads learns a turned spiral', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tsring-test-'));
    try {
      const file = path.join(folder, 'model.json');
      await runPlain('fine-tuning/pretrain.ts', [file]);
      const { alone, together, before } = await both('fine-tuning', 'accuracy', [file]);
      // The layer that is not trained was made for the spiral as it was; 0.05 are 25 of 500 points.
      for (const after of [alone, together])
        assert.ok(after > before + 0.05, `${before} before, ${alone} alone, ${together} on two ranks`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const [name, count] of [
    ['tabular', 5],
    ['custom-loop', 5],
    ['gan', 5],
    ['fine-tuning', 5],
    ['uneven', 8],
  ] as const) {
    it(`${name}: ${count} marked lines make the difference`, () => {
      const lines = (script: string) => readFileSync(path.join(examples, name, script), 'utf8').split('\n');
      const [plain, distributed] = [lines('plain.ts'), lines('distributed.ts')];
      const [added, left] = [without(distributed, plain), without(plain, distributed)];
      assert.deepEqual(
        added.map((line) => / \/\/ \((\d)\)$/.exec(line)?.[1]),
        [...Array(count).keys()].map((index) => String(index + 1)),
      );
      // What goes comes again in another form.
      assert.ok(left.length <= added.length, left.join('\n'));
    });
  }

  it('the lines that the README shows are those of the example for fit', () => {
    const readme = readFileSync(path.join(examples, '../README.md'), 'utf8');
    const [, diff = ''] = /```diff\n([\s\S]*?)```/.exec(readme) ?? [];
    const shown = (sign: string) => diff.split('\n').filter((line) => line.startsWith(sign)).map((line) => line.slice(1).trim()); // prettier-ignore
    const lines = (script: string) => readFileSync(path.join(examples, 'tabular', script), 'utf8').split('\n');
    const [plain, distributed] = [lines('plain.ts'), lines('distributed.ts')];
    assert.deepEqual(shown('+'), without(distributed, plain));
    assert.deepEqual(shown('-'), without(plain, distributed));
    assert.ok(shown('+').length <= 5);
  });
});

function without(lines: readonly string[], others: readonly string[]): string[] {
  return lines.filter((line) => !others.includes(line));
}

/** The number that both forms of an example print last, the distributed one equal on both ranks; and the one before training, if there is one. */
async function both(name: string, label: string, args: string[] = []) {
  const output = await runPlain(`${name}/plain.ts`, args);
  const script = path.join(examples, name, 'distributed.ts');
  const { ranks } = await tsrun({ np: 2, script, args, env, timeoutMs: 60_000 });
  const [first, second] = ranks.map(({ stdout }) => numberAfter(label, stdout.join('\n')));
  assert.equal(first, second, 'the same weights on both ranks');
  const before = output.includes('before: ') ? numberAfter('before', output) : NaN;
  return { alone: numberAfter(label, output), together: first!, before };
}

async function runPlain(script: string, args: string[]): Promise<string> {
  const argv = ['--import', 'tsx', path.join(examples, script), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env: { ...process.env, ...env } });
  return stdout;
}

function numberAfter(label: string, output: string): number {
  const [, number] = new RegExp(`^${label}: (-?\\d+\\.\\d+)$`, 'm').exec(output) ?? [];
  assert.ok(number !== undefined, output);
  return Number(number);
}
