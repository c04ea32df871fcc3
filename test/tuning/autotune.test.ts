import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tsrun } from '../helpers/tsrun.js';

const head = 'outcome,fusion_threshold_bytes,piece_bytes,step_cost_percent,sockets,bytes_per_second';

describe('autotune', () => {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-autotune-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** The lines of the log, after the first. */
  async function tuned(np: number, transport: string, args: readonly string[]): Promise<string[][]> {
    const file = path.join(folder, 'log.csv');
    const flags = ['--autotune', '--autotune-log-file', file, '--transport', transport];
    flags.push('--autotune-warmup-samples', '1', '--autotune-steps-per-sample', '2');
    const { ranks } = await tsrun({ np, script: 'scripts/autotune.ts', args, flags, timeoutMs: 40_000 });
    assert.deepEqual(
      ranks.map(({ result }) => result),
      Array(np).fill('equal'),
    );
    const [first, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
    assert.equal(first, head);
    return lines.map((line) => line.split(','));
  }

  for (const [np, transport, sockets] of [
    [2, 'auto', ['1']],
    [3, 'tcp', ['1', '2', '4']],
  ] as const) {
    it(`ends, leaves results right meanwhile, and tells what it has tried, on ${np} over ${transport}`, async () => {
      const lines = await tuned(np, transport, ['28']);
      const tried = lines.slice(0, -1);
      const settings = tried.map(([, ...trial]) => trial.slice(0, 4).join());
      assert.equal(settings[0], `${64 << 20},${256 << 10},100,1`);
      assert.equal(new Set(settings).size, tried.length, 'nothing is tried twice');
      assert.deepEqual(
        new Set(tried.map(([outcome]) => outcome)),
        new Set(['best', ...tried.slice(1).map(([o]) => o)]),
      );
      assert.deepEqual(new Set(tried.map((trial) => trial[4])), new Set(sockets));
      assert.ok(tried.every((trial) => Number(trial[5]) > 0));
      const best = tried.filter(([outcome]) => outcome === 'best').at(-1)!;
      assert.deepEqual(lines.at(-1), ['chosen', ...best.slice(1, 5), '']);
    });
  }

  it('ends with the best so far where ranks have data of uneven length', async () => {
    const lines = await tuned(3, 'auto', ['14', '5']);
    assert.equal(lines.at(-1)![0], 'chosen');
    assert.ok(lines.length < 9, 'before all was tried');
  });
});
