import assert from 'node:assert/strict';
import { allreduceSeconds } from '../../lib/model/allreduce-cost.js';
import type { AlgorithmName } from '../../lib/native/binding.js';
import { loadAddon } from '../../lib/native/load.js';
import { fitCost } from '../../lib/tuning/fit.js';
import { combinePicoseconds } from '../../lib/tuning/measure.js';
import { tsrun } from '../helpers/tsrun.js';

interface Time {
  readonly algorithm: Exclude<AlgorithmName, 'everyone' | 'parts'>;
  readonly bytes: number;
  readonly nanoseconds: number;
}

const fitted = [4096, 2 ** 18, 2 ** 22];
const predicted = [2 ** 15, 2 ** 20, 2 ** 21];

describe('the cost model, measured', function () {
  this.timeout(60_000);

  /**
   * Alpha and beta come from some sizes, and are asked for others. On a quiet machine it was at most a third off (docs/scaling.md); a factor of
   * three holds on busy ones.
   */
  it('predicts sizes from others, for each algorithm over TCP', async () => {
    const errors = await errorsOf(3, 8);
    if (process.env['TSRING_TEST_VERBOSE'])
      console.log(errors.map(([what, error]) => `${what}: ${error.toFixed(2)}`).join('\n'));
    for (const [what, error] of errors) assert.ok(Math.max(error, 1 / error) < 3, `${what}: ${error} of the measured`);
  });

  /** Predicted over measured. */
  async function errorsOf(np: number, rounds: number): Promise<[what: string, error: number][]> {
    const args = [[...fitted, ...predicted].join(','), String(rounds)];
    const { ranks } = await tsrun({ np, script: 'scripts/cost-model.ts', args, timeoutMs: 50_000 });
    const times = ranks[0]!.result as Time[];
    const addon = loadAddon();
    return [...new Set(times.map(({ algorithm }) => algorithm))].flatMap((algorithm) => {
      const own = times.filter((time) => time.algorithm === algorithm);
      const points = own
        .filter(({ bytes }) => fitted.includes(bytes))
        .map(({ bytes, nanoseconds }) => ({ work: addon.workOf({ algorithm, ranks: np, bytes }), nanoseconds }));
      const { stepNanoseconds, bytePicoseconds } = fitCost(points, combinePicoseconds);
      const link = { latencySeconds: stepNanoseconds * 1e-9, secondsPerByte: bytePicoseconds * 1e-12 };
      const network = { across: link, local: link, combineSecondsPerByte: combinePicoseconds * 1e-12 };
      return own
        .filter(({ bytes }) => predicted.includes(bytes))
        .map(({ bytes, nanoseconds }): [string, number] => {
          const seconds = allreduceSeconds(algorithm, { ranks: np, localRanks: 1 }, bytes, network);
          return [`${algorithm}, ${np} ranks, ${bytes} bytes`, (seconds * 1e9) / nanoseconds];
        });
    });
  }
});
