import * as ring from '../lib/index.js';
import { activeSession } from '../lib/active-session.js';
import { type CollectivesOptions, parseCollectivesOptions } from './collectives-options.js';
import { type Limits, type Ring, measure, warmUp } from './collectives-protocol.js';
import { type Row, table, tsv } from './collectives-report.js';
import { appendRecord } from './json-line.js';
import { runBenchmark } from './main.js';
import { describeCommit, describeMachine } from './machine.js';
import { busBandwidth } from '../lib/units.js';

await runBenchmark(parseCollectivesOptions(process.argv.slice(2)), run);

async function run(options: CollectivesOptions): Promise<void> {
  const format = options.tsv ? tsv : table;
  const say = (line: string) => {
    if (ring.rank() === 0) console.log(line);
  };
  const limits: Limits = {
    budgetSeconds: options.budget,
    minIterations: options.min_iterations,
    maxIterations: Math.max(options.min_iterations, options.max_iterations),
  };
  const blocking: Ring = {
    rank: ring.rank(),
    size: ring.size(),
    allreduce: (values) => void ring.allreduceSync(values, { name: 'bench', op: 'sum', inPlace: true }),
    barrier: () => ring.barrierSync({ name: 'round' }),
    maximum: (values) => ring.allreduceSync(values, { name: 'slowest', op: 'max' }),
    agree: (value) => ring.broadcastSync(Float64Array.of(value), 0, { name: 'rounds' })[0]!,
  };

  if (!options.tsv)
    say(`allreduce of float32, sum, in place, blocking; ${blocking.size} rank(s), ${ring.localSize()} on this host`);
  warmUp(blocking);
  say(format.header);
  const rows: Row[] = [];
  for (const bytes of options.sizes) {
    const row = { ...measure(blocking, bytes, limits), algorithm: activeSession().native.algorithm(bytes) };
    rows.push(row);
    say(format.row(row));
  }

  if (options.json !== undefined && ring.rank() === 0) {
    appendRecord(options.json, {
      benchmark: 'collectives',
      time: new Date().toISOString(),
      commit: describeCommit(),
      machine: describeMachine(),
      ranks: blocking.size,
      localRanks: ring.localSize(),
      settings: options,
      rows: rows.map((row) => ({
        ...row,
        busBytesPerSecond: busBandwidth(row.bytes, row.ranks, row.medianSeconds),
      })),
    });
  }
  await ring.barrier({ name: 'end' });
  if (rows.some((row) => !row.correct)) process.exitCode = 1;
}
