import assert from 'node:assert/strict';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { startRanks } from '../helpers/start-ranks.js';
import { tsrun } from '../helpers/tsrun.js';
import { type Fakes, fakesOrSkip } from './fakes.js';

interface Results {
  readonly memory: { readonly memory: string; readonly reason?: string };
  readonly digest: number;
  readonly weights: number;
  readonly [operation: string]: unknown;
}

// Real processes with the real TensorFlow for CPUs, on a fake driver and a fake NCCL that take main memory for a GPU's; no GPU is involved.
// With TSRING_TEST_GPU=1 (test/gpu/run.sh) it is a TensorFlow that computes on a GPU, and all is real.
const real = process.env['TSRING_TEST_GPU'] === '1';

describe(`tensors of TensorFlow on GPUs, on ${real ? 'real ones' : 'fakes'}`, function () {
  this.timeout(120_000);
  let fakes: Fakes | undefined;
  before(function () {
    skipWithoutTensorflow(this);
    if (!real) fakes = fakesOrSkip(this);
  });

  /** Ranks of TensorFlow for CPUs, those of `cpuRanks` as they are, the others taken for ones with a GPU. */
  const onFakes = async (
    np: number,
    cpuRanks: number[],
    env: (rank: number) => Record<string, string> = () => ({}),
  ) => {
    const ends = await startRanks({
      np,
      script: 'scripts/gpu-tensors.ts',
      args: ['fakes', ...cpuRanks.map(String)],
      env: (rank) => ({
        ...fakes!.env,
        ...{ FAKE_CUDA_UNIFIED: '1', TSRING_FLIGHT_RECORDER_SIZE: '0', TF_CPP_MIN_LOG_LEVEL: '2' },
        ...env(rank),
      }),
      timeoutMs: 100_000,
    });
    return ends.map(({ result, stderr }) => ({ results: result as Results, stderr }));
  };
  const skipOnReal = (context: Mocha.Context) => {
    if (!real) return;
    console.log('      skipped: only fakes can be made to lack it, and this runs on a real GPU');
    context.skip();
  };

  /** Of two ranks that combine where tensors are. */
  let weights: number | undefined;

  it('are combined where they are', async () => {
    const ends = real ? await onGpus() : await onFakes(2, []);
    checkResults(ends);
    weights = ends[0]!.results.weights;
    for (const { results } of ends) assert.deepEqual(results.memory, { memory: 'cuda' });
  });

  it('go through main memory on all ranks where one has them there, and it says why', async function () {
    skipOnReal(this);
    const cpuRank = 2;
    const ends = await onFakes(3, [cpuRank], (rank): Record<string, string> =>
      rank === 1 ? { FAKE_CUDA_UNIFIED: '0' } : {},
    );
    checkResults(ends);
    const reasons = [
      'rank 1 has its tensors in main memory',
      'a tensor is in main memory', // so the probe
      'tfjs computes on the CPU',
    ];
    ends.forEach(({ results, stderr }, rank) => {
      assert.deepEqual(results.memory, { memory: 'host', reason: reasons[rank] });
      const times = stderr.split(`through main memory: ${reasons[rank]}`).length - 1;
      assert.equal(times, rank === cpuRank ? 0 : 1, stderr);
    });
  });

  it('go through main memory where a rank has no NCCL', async function () {
    skipOnReal(this);
    const ends = await onFakes(2, [], (rank): Record<string, string> =>
      rank === 1 ? { TSRING_NCCL_LIB: '/nowhere/libnccl.so.2' } : {},
    );
    checkResults(ends);
    if (weights !== undefined)
      assert.ok(Math.abs(ends[0]!.results.weights - weights) < 1e-4, 'training comes to the same');
    for (const { results } of ends) assert.match(results.memory.reason!, /^rank 1 .*cannot use its GPU.*nowhere/);
  });
});

/** As `onFakes`, by tsrun, which shows each rank its GPU, or gives several ranks one. */
async function onGpus(): Promise<{ results: Results }[]> {
  const env = { TF_FORCE_GPU_ALLOW_GROWTH: 'true', TF_CPP_MIN_LOG_LEVEL: '2' };
  const { ranks } = await tsrun({ np: 2, script: 'scripts/gpu-tensors.ts', args: ['real'], env, timeoutMs: 100_000 });
  return ranks.map(({ result }) => ({ results: result as Results }));
}

/** Whichever way they went. */
function checkResults(ends: readonly { readonly results: Results; readonly stderr?: string }[]): void {
  const n = ends.length;
  const ranks = (n * (n - 1)) / 2; // their sum
  const last = 9999;
  for (const { results, stderr } of ends) {
    assert.ok(results, stderr);
    const { memory, digest, weights, ...others } = results;
    assert.match(memory.memory, /^(cuda|host)$/);
    assert.deepEqual(
      [digest, weights],
      [ends[0]!.results.digest, ends[0]!.results.weights],
      'the same bits on all ranks',
    );
    assert.ok(Number.isFinite(weights));
    assert.deepEqual(others, {
      sum: [ranks, ranks + n * last, true],
      average: [ranks / n, ranks / n + last, true],
      scaled: [ranks, ranks + n * last, true],
      narrow: [ranks, ranks, true],
      int8: [127, 127, true],
      integers: [0, n * 99, true],
      small: [n - 1, n - 1, true],
      broadcast: [n - 1, n - 1 + last, true],
      group: [n - 1, [0, 3], n - 1],
      'later 0': [ranks + 1, ranks + n * last + 1, true],
      'later 1': [2 * ranks + 1, 2 * (ranks + n * last) + 1, true],
      mismatch: 'RING_MISMATCH',
      kept: 0,
    });
  }
}
