import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { tsrun } from '../helpers/tsrun.js';

interface Told {
  readonly optimizers: Readonly<Record<string, { same: boolean; bits: number; ran: string[]; left: number }>>;
  readonly otherwise: Readonly<Record<string, string[]>>;
  readonly sameOnAllRanks: boolean;
}

interface Lost {
  readonly error: { readonly code: string; readonly message: string };
  readonly weights: 'same' | 'other';
  readonly state: 'same' | 'other';
  /** Tensors that the step that failed has left behind. */
  readonly left: number;
}

const script = 'scripts/reduced-steps.ts';
const oneThread = { TF_NUM_INTRAOP_THREADS: '1' };
const apart = ['Finish', 'Start', 'Update'];

describe('steps by gradients that are reduced meanwhile', () => {
  before(function () {
    skipWithoutTensorflow(this);
  });

  for (const transport of ['shm', 'tcp']) {
    it(`change weights as steps by reduced gradients do, bit for bit, also beside a rank with more threads, over ${transport}`, async () => {
      const env = { ...oneThread, TSRING_TRANSPORT: transport };
      const { ranks } = await tsrun({ np: 3, script, env, timeoutMs: 50_000 });
      for (const { rank, result } of ranks) {
        const { optimizers, otherwise, sameOnAllRanks } = result as Told;
        assert.equal(sameOnAllRanks, true);
        assert.equal(Object.keys(optimizers).length, 6);
        for (const [name, { same, bits, ran, left }] of Object.entries(optimizers)) {
          assert.deepEqual({ same, ran }, { same: true, ran: rank === 2 ? apart : ['ReduceAndUpdate'] }, name);
          assert.ok(bits > 4 * 700 * 300, name);
          assert.equal(left, 0, `${name} leaves tensors behind`);
        }
        for (const [name, ran] of Object.entries(otherwise)) assert.deepEqual(ran, apart, name);
      }
    });
  }

  it('leave weights as they were where a rank is lost, and say so where state is not', async () => {
    const { ranks } = await tsrun({
      np: 2,
      script,
      args: ['lose'],
      env: oneThread,
      timeoutMs: 50_000,
      expectFailure: true,
    });
    const { error, weights, state, left } = ranks[0]!.result as Lost;
    assert.equal(error.code, 'RING_PEER_LOST');
    assert.deepEqual({ weights, left }, { weights: 'same', left: 0 });
    const told = error.message.startsWith('what the optimizer remembers may be of this step in part, weights are as b');
    assert.ok(told || state === 'same', `${error.message}: state is another`);
  });
});
