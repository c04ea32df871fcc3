import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { accelerate } from '../lib/index.js';
import { skipWithoutTensorflow } from './helpers/backends.js';

interface Told {
  readonly on: boolean;
  readonly twice: boolean;
  readonly ran: readonly string[];
  readonly differences: Readonly<Record<string, number>>;
  readonly left: number;
  readonly clonesStay: boolean;
  readonly elsewhere: number;
}

describe('accelerate', () => {
  it('refuses what it does not know', () => {
    assert.throws(
      () => accelerate({ relus: true } as object),
      /there is no option "relus"; one of relu, biasRelu, maxPool, optim/,
    );
    assert.throws(() => accelerate({ relu: 1 } as object), /relu is 1; true or false/);
  });

  describe('on tensorflow', () => {
    let told: Told;
    before(function () {
      skipWithoutTensorflow(this);
      const script = fileURLToPath(new URL('scripts/accelerate.ts', import.meta.url));
      const output = execFileSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8', timeout: 50_000 });
      told = JSON.parse(/@result (.*)$/m.exec(output)?.[1] ?? '') as Told;
    });

    it('gives what tfjs gives, within 1e-6 of the largest value; sums over many rows within 1e-5', () => {
      assert.deepEqual([told.on, told.twice], [true, true]);
      assert.equal(Object.keys(told.differences).length, 62);
      for (const [name, difference] of Object.entries(told.differences))
        assert.ok(difference < (name.endsWith(': ofBias') ? 1e-5 : 1e-6), `${name}: ${difference}`);
    });

    it('has bias and relu, and their gradients, be one operation', () => {
      for (const name of ['TsringAddBias', 'TsringAddBiasRelu', 'TsringBiasReluGradient'])
        assert.ok(told.ran.includes(name), `${name} is not among ${told.ran.join(', ')}`);
    });

    it('gives the gradients of pooling and relu bit for bit', () => {
      for (const name of ['pool 0', 'pool 1', 'pool 2', 'pool 3', 'relu'])
        assert.equal(told.differences[name], 0, name);
    });

    it("changes an optimizer's state in nobody else's tensor", () => {
      assert.equal(told.clonesStay, true);
    });

    it('leaves no tensor behind, and other backends as they were', () => {
      assert.deepEqual([told.left, told.elsewhere], [0, 0]);
    });
  });
});
