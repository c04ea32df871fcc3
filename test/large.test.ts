import assert from 'node:assert/strict';
import { freemem } from 'node:os';
import { tsrun } from './helpers/tsrun.js';

const MiB = 2 ** 20;
const fusionBytes = 32 * MiB;

describe('large data', () => {
  for (const transport of ['auto', 'tcp']) {
    // A copy of the whole would show: a quarter of it, with int8.
    const compressed = transport === 'tcp' ? 'int8' : 'fp16';
    for (const [tensors, mebibytes, compression] of [
      [1, 160],
      [10, 160],
      [320, 160],
      [1, 400, compressed],
    ] as const) {
      const what = `${tensors}, ${compression ?? 'as they are'}, ${transport}`;
      it(`take less than twice the fusion buffer beside them: ${mebibytes} MiB in ${what}`, async function () {
        if (process.platform !== 'linux') this.skip(); // its way of asking for the peak
        const { ranks } = await tsrun({
          np: 2,
          script: 'scripts/much-memory.ts',
          args: [String(tensors), String(mebibytes * MiB), compression ?? 'none'],
          env: { TSRING_TRANSPORT: transport, TSRING_FUSION_THRESHOLD_BYTES: String(fusionBytes) },
          timeoutMs: 50_000,
        });
        for (const { rank, result } of ranks) {
          assert.ok(Number(result) < 2 * fusionBytes, `rank ${rank} took ${String(result)} bytes more`);
        }
      });
    }

    it(`may have more than 2^31 bytes, ${transport}`, async function () {
      this.timeout(120_000);
      this.slow(60_000);
      if (freemem() < 8 * 2 ** 30) this.skip(); // two ranks of 2 GiB
      const { ranks } = await tsrun({
        np: 2,
        script: 'scripts/above-2-gib.ts',
        env: { TSRING_TRANSPORT: transport },
        timeoutMs: 110_000,
      });
      assert.deepEqual(
        ranks.map((rank) => rank.result),
        ['equal', 'equal'],
      );
    });
  }
});
