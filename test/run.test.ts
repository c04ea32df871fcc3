import assert from 'node:assert/strict';
import path from 'node:path';
import { run } from '../dist/lib/run.js';
import { processesWith } from './helpers/processes.js';

/** `run` starts the real thing: compiled, as users have it. */
describe('run', function () {
  this.timeout(30_000);
  const script = path.join(import.meta.dirname, 'scripts/launcher/returns.mjs');

  it('returns what a function returns on each rank, in order of rank, with arguments and typed arrays', async () => {
    const results = await run(
      async (name: string, weights: Float32Array) => {
        const os = await import('node:os');
        const beside = './dist/lib/errors.js'; // as seen from the working folder
        const { ringErrorCodes } = (await import(beside)) as { ringErrorCodes: string[] };
        if (ringErrorCodes.length === 0) throw new Error('not found from there');
        const { TSRING_RANK, EXTRA } = process.env;
        return {
          name,
          rank: Number(TSRING_RANK),
          extra: EXTRA,
          sum: weights.map((one) => one * 2),
          host: os.hostname(),
        };
      },
      { np: 3, args: ['x', Float32Array.of(1, 2)], env: { EXTRA: 'yes' }, oversubscribe: true },
    );
    assert.deepEqual(
      results.map(({ name, rank, extra, sum }) => [name, rank, extra, [...sum]]),
      [0, 1, 2].map((rank) => ['x', rank, 'yes', [2, 4]]),
    );
    assert(results[0]!.sum instanceof Float32Array);
  });

  it('returns what a script’s default export returns, of any size', async () => {
    const results = await run<Uint8Array>(script, { np: 2, args: [3_000_000], oversubscribe: true });
    assert.deepEqual(
      results.map((bytes) => [bytes.length, bytes.at(-1)]),
      [
        [3_000_000, 0],
        [3_000_000, 1],
      ],
    );
  });

  it('rejects with what the first rank has thrown, and leaves nothing behind', async () => {
    const env = { TSRING_TEST_MARK: String(process.pid) };
    const failing = run(
      async () => {
        if (process.env['TSRING_RANK'] === '1') throw new TypeError('no weights here');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      },
      { np: 2, env, oversubscribe: true },
    );
    await assert.rejects(failing, {
      code: 'RING_LAUNCH',
      message: /^rank 1 .* exited with code 1.*: TypeError: no weights here$/,
    });
    assert.deepEqual(processesWith(`TSRING_TEST_MARK=${process.pid}`), []);
  });

  it('refuses what cannot be run', async () => {
    await assert.rejects(run(script), { code: 'RING_INVALID_ARGUMENT', message: /give np, hosts or both/ });
    await assert.rejects(run(Math.max, { np: 1 }), {
      code: 'RING_INVALID_ARGUMENT',
      message: /a function of yours/,
    });
    const args = [() => undefined];
    await assert.rejects(run(script, { np: 1, args }), {
      code: 'RING_INVALID_ARGUMENT',
      message: /args cannot travel/,
    });
    await assert.rejects(run(script, { hosts: 'a:0' }), {
      code: 'RING_INVALID_ARGUMENT',
      message: /hosts: 'a:0' is not HOST/,
    });
  });
});
