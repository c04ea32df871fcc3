// Two ranks take steps on parameter servers under bounds of staleness, and report when each step began and ended, on the clock that all
// processes of a host share. Rank 1 is slow: it begins a step when rank 0 has begun as many as the bound lets it begin.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import * as ring from '../../../dist/lib/index.js';
import { openBackend } from '../../helpers/backends.js';
import { report } from '../report.js';

const [folder = '', ...bounds] = process.argv.slice(2);
const tf = await openBackend('cpu');
await ring.init();
const steps = 8;
const now = () => Number(process.hrtime.bigint());
const mark = (bound: string, step: number) => path.join(folder, `${bound}-${step}`);

const results: Record<string, { began: number[]; ended: number[]; weight: number; iterations: number }> = {};
for (const bound of bounds) {
  const v = tf.variable(tf.scalar(0), true, `v/${bound}`);
  const optimizer = new ring.ParameterServerOptimizer(tf.train.sgd(1), { maxStaleness: Number(bound) });
  await optimizer.pullWeights([v]);
  const [began, ended]: [number[], number[]] = [[], []];
  for (let step = 0; step < steps; step++) {
    if (ring.rank() === 0) writeFileSync(mark(bound, step), '');
    else await other(bound, Math.min(step + Number(bound), steps - 1));
    began.push(now());
    tf.tidy(() => void optimizer.minimize(() => v.mul(-1), false, [v]));
    ended.push(now());
  }
  await optimizer.leave();
  results[bound] = { began, ended, weight: v.dataSync()[0]!, iterations: optimizer.iterations };
}
report(results);

/** Waits until rank 0 has come to `step`. */
async function other(bound: string, step: number): Promise<void> {
  const until = Date.now() + 30_000;
  while (!existsSync(mark(bound, step))) {
    if (Date.now() > until) throw new Error(`rank 0 did not come to step ${step} with bound ${bound}`);
    await delay(2);
  }
}
