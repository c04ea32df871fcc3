import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { priorityOf } from '../../lib/training/reduce-bucket.js';
import { tsrun } from '../helpers/tsrun.js';

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly ts: number;
}

describe('order of buckets', () => {
  it('the nearer to the front, the larger is the priority, and none is 0', () => {
    assert.deepEqual(
      [[3, 4], [2], [1, 0]].map((places) => priorityOf(places, 5)),
      [2, 3, 5],
    );
  });

  it('is that of backward, and with priority front layers overtake what waits', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tsring-order-'));
    try {
      const file = path.join(folder, 'out.json');
      const flags = ['--timeline-filename', file];
      const { ranks } = await tsrun({ np: 2, script: 'scripts/bucket-order.ts', flags, timeoutMs: 55_000 });
      const averages = Array.from({ length: 8 }, (_, i) => i + 0.5);
      for (const { result } of ranks) assert.deepEqual(result, Array(8).fill(averages));
      const events = JSON.parse(readFileSync(file, 'utf8')) as Event[];
      const asBackward = '0,1,2,3,4,5,6,7';
      assert.deepEqual(stepsOf(events, 0, 'without'), Array(4).fill(asBackward));
      const steps = stepsOf(events, 0, 'with');
      assert.equal(steps.length, 4);
      assert.deepEqual(stepsOf(events, 1, 'with'), steps, 'the same on all ranks');
      // Which ones overtake is for the machine to say: those that were asked for before the others were reduced.
      assert.ok(
        steps.some((step) => step !== asBackward),
        steps.join('\n'),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Numbers of buckets in the order in which a rank reduced them, step by step. */
function stepsOf(events: readonly Event[], rank: number, optimizer: string): string[] {
  const bucket = new RegExp(`^allreduce "${optimizer}(?:\\.(\\d+))?"$`);
  const reduced = events
    .filter(({ ph, pid, name }) => ph === 'X' && pid === rank && bucket.test(name))
    .sort((a, b) => a.ts - b.ts)
    .map(({ name }) => bucket.exec(name)![1] ?? '0');
  return Array.from({ length: reduced.length / 8 }, (_, step) => reduced.slice(8 * step, 8 * step + 8).join());
}
