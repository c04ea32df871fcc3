import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tsrun } from '../helpers/tsrun.js';

const folder = fileURLToPath(new URL('../../examples/mnist/', import.meta.url));

/**
 * Of 1000 held-out digits. Both scripts start from random weights and shuffle: ten runs of the plain one lay within 1.5 points of each
 * other, and ten of two ranks, which take half as many steps of twice the batch, within 2 points.
 */
const margin = 0.03;

describe('examples/mnist', function () {
  this.timeout(120_000);

  it('reaches on two ranks the held-out accuracy of the plain script', async () => {
    const plain = await promisify(execFile)(process.execPath, ['--import', 'tsx', `${folder}plain.ts`]);
    const { ranks } = await tsrun({ np: 2, script: `${folder}distributed.ts`, timeoutMs: 90_000 });
    const alone = accuracy(plain.stdout);
    const together = ranks.map((rank) => accuracy(rank.stdout.join('\n')));
    assert.ok(alone > 0.87, `${alone} alone`);
    assert.equal(together[0], together[1], 'the same weights on both ranks');
    assert.ok(Math.abs(together[0]! - alone) <= margin, `${together[0]} on two ranks, ${alone} alone`);
  });

  it('runs alone, without tsrun, as well', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `${folder}distributed.ts`]);
    assert.ok(accuracy(stdout) > 0.87);
  });

  it('differs from the plain script in the marked lines, and in these alone', () => {
    const lines = (script: string) => readFileSync(folder + script, 'utf8').split('\n');
    const [plain, distributed] = [lines('plain.ts'), lines('distributed.ts')];
    const marked = distributed.filter((line) => / \/\/ \(\d\)$/.test(line));
    const others = distributed.filter((line) => !plain.includes(line) && !marked.includes(line));
    assert.deepEqual(others, ["import { readDigits, shardOf, tensors } from './digits.js';"]);
    assert.equal(marked.length, 5);
    const changed = plain.filter((line) => !distributed.includes(line));
    assert.equal(changed.length, 3, 'two lines with a marked counterpart, and the import');
  });
});

function accuracy(output: string): number {
  const [, number] = /^held-out accuracy: (\d\.\d+)$/m.exec(output) ?? [];
  assert.ok(number !== undefined, output);
  return Number(number);
}
