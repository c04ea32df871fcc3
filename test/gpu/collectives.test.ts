import assert from 'node:assert/strict';
import { startRanks } from '../helpers/start-ranks.js';
import { type Fakes, fakesOrSkip } from './fakes.js';

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly later: string;
}

// Three real processes on a fake driver and a fake NCCL, which move real data between them; no GPU is involved. With
// TSRING_TEST_GPU=1 (test/gpu/run.sh) they run on the real ones, but for what only a fake can be made to do.
const real = process.env['TSRING_TEST_GPU'] === '1';

describe(`operations on GPUs, on ${real ? 'real ones' : 'fakes'}`, function () {
  this.timeout(120_000);
  /** For what only a fake can be made to do. */
  const onFakes = (title: string, body: () => Promise<void>) =>
    it(title, async function () {
      if (real) {
        console.log('      skipped: only a fake can be made to fail so, and this runs on a real GPU');
        this.skip();
      }
      await body();
    });
  let fakes: Fakes | undefined;
  before(function () {
    if (!real) fakes = fakesOrSkip(this);
  });

  const start = (mode: string, env: (rank: number) => Record<string, string> = () => ({}), np = 3) =>
    startRanks({
      np,
      script: 'scripts/gpu.ts',
      args: [mode],
      env: (rank) => ({
        ...fakes?.env,
        TSRING_FLIGHT_RECORDER_SIZE: '0',
        ...env(rank),
      }),
      timeoutMs: 100_000,
    });
  const failures = async (...args: Parameters<typeof start>) =>
    (await start(...args)).map(({ result }) => result as Failure | undefined);

  const rightResults = async (numNcclStreams: string) => {
    const ends = await start('operations', () => ({ TSRING_NUM_NCCL_STREAMS: numNcclStreams }));
    ends.forEach(({ result, stderr }, rank) => {
      assert.ok(result, stderr);
      const { mismatch, disposed, ...results } = result as Record<string, unknown>;
      assert.match(String(mismatch), /memory (cuda|host)/);
      assert.match(String(disposed), /disposed/);
      assert.deepEqual(results, {
        sum: [6, 6, -3],
        average: [2, 2, -1],
        min: [1, 2, -2],
        max: [3, 2, 0],
        product: [6, 8, 0],
        sync: [6, 6, -3],
        inPlace: [6, 6, -3],
        inPlaceSame: true,
        compressed: [6, 6, -3],
        half: [0x4200, 0x4600], // 3 and 6
        grouped: [[6, 6, -3], [3]],
        integers: [21, 3],
        broadcast: [3, 2, -2],
        gathered: [1, 2, 2],
        scattered: [[3, 6], [9], [12]][rank],
        exchanged: [
          [0, 1, 2],
          [10, 11, 12],
          [20, 21, 22],
        ][rank],
        imported: [6, 6, 2],
        ...(rank !== 1 && { set: [4, 4, -2] }),
        mixed: Array.from({ length: 12 }, (_, i) => {
          const all = [
            [3 * i + 3, 3 * i],
            [1 + i, i],
            [i, i, 1 + i, i, 2 + i, i],
            [2 * i + 2, 2 * i],
          ];
          return rank === 1 && i % 4 === 3 ? [1 + i, i] : all[i % 4];
        }),
        int16: 'RING_UNSUPPORTED',
        after: [6, 6, -3],
      });
    });
  };

  it('give the right results', () => rightResults('1'));

  it('give the right results through several streams', () => rightResults('4'));

  onFakes('fail everywhere when NCCL reports an error on one rank', async () => {
    const env = (rank: number): Record<string, string> => ({
      TSRING_NUM_NCCL_STREAMS: '2',
      ...(rank === 1 && { FAKE_NCCL_ERROR_AT: '3' }),
    });
    for (const failure of await failures('until-lost', env)) {
      assert.equal(failure?.code, 'RING_PEER_LOST', failure?.message);
      assert.equal(failure.later, 'RING_PEER_LOST');
    }
  });

  onFakes('fail everywhere at the deadline when one rank hangs', async () => {
    const env = (rank: number) => ({
      TSRING_NUM_NCCL_STREAMS: '3',
      TSRING_TIMEOUT_MS: '2000',
      ...(rank === 2 && { FAKE_NCCL_HANG_AT: '3' }),
    });
    for (const failure of await failures('until-lost', env)) {
      assert.equal(failure?.code, 'RING_TIMEOUT', failure?.message);
    }
  });

  it('fail on the others when a rank is killed', async () => {
    const [first, , last] = await failures('killed', () => ({ TSRING_NUM_NCCL_STREAMS: '4' }));
    for (const failure of [first, last]) {
      assert.equal(failure?.code, 'RING_PEER_LOST', failure?.message);
      assert.match(failure.message, /rank 1/);
    }
  });

  onFakes('are refused to all where ranks have different versions of NCCL, and the ring goes on', async () => {
    const env = (rank: number): Record<string, string> => (rank === 1 ? { FAKE_NCCL_VERSION: '22104' } : {});
    for (const failure of await failures('refused', env, 2)) {
      assert.equal(failure?.code, 'RING_UNSUPPORTED', failure?.message);
      assert.match(failure.message, /rank 1 .* has NCCL 2\.21\.4, rank 0 .* has 2\.27\.7/);
      assert.equal(failure.later, 'none');
    }
  });

  onFakes('are refused to all where one NCCL lacks a function', async () => {
    const env = (rank: number): Record<string, string> => (rank === 1 ? { TSRING_NCCL_LIB: fakes!.withoutAbort } : {});
    for (const failure of await failures('refused', env, 2)) {
      assert.equal(failure?.code, 'RING_UNSUPPORTED', failure?.message);
      assert.match(failure.message, /rank 1 .*has no ncclCommAbort/);
      assert.equal(failure.later, 'none');
    }
  });

  onFakes('have no buffers where the driver has no GPU', async () => {
    for (const failure of await failures('refused', () => ({ FAKE_CUDA_INIT: '100' }), 1)) {
      assert.equal(failure?.code, 'RING_UNSUPPORTED', failure?.message);
      assert.match(failure.message, /no GPU/);
    }
  });
});
