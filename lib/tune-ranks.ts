import type { AlgorithmCosts, AlgorithmName } from './native/binding.js';
import { type Config, readConfig } from './config.js';
import { RingError } from './errors.js';
import { loadAddon } from './native/load.js';
import { activeSession } from './active-session.js';
import { init, shutdown } from './session.js';
import { writeMeasurement } from './tuning/file.js';
import { chosen, combinePicoseconds, costsOf, type Ring, timeAlgorithms, type TimedSize } from './tuning/measure.js';

// What the ranks of `tsrun --tune` run: they time every algorithm on every transport, and rank 0 prints the times, what will be chosen,
// and keeps the costs in the file that is the first argument.

const transports = [
  { transport: 'shm', title: 'through shared memory', algorithms: ['everyone', 'parts'] },
  { transport: 'tcp', title: 'over TCP', algorithms: ['recursive-doubling', 'halving-doubling', 'ring'] },
] as const satisfies { transport: string; title: string; algorithms: AlgorithmName[] }[];

/** What is kept of a transport that this host does not have: the engine never asks for it. */
const unknown = { stepNanoseconds: 0, bytePicoseconds: 0 };

const file = process.argv[2]!;
const { rank, size } = readConfig();
let costs: Partial<AlgorithmCosts> = {};
for (const { transport, title, algorithms } of transports)
  costs = { ...costs, ...(await tune(transport, title, algorithms)) };
if (rank === 0) {
  const measured = { ...costs, combinePicoseconds } as AlgorithmCosts;
  writeMeasurement({ ranks: size, time: new Date().toISOString(), costs: measured }, file);
  console.log(`costs written to ${file}`);
}

async function tune(transport: Config['transport'], title: string, algorithms: readonly AlgorithmName[]) {
  try {
    await init({ transport });
  } catch (error) {
    if (!(error instanceof RingError && error.code === 'RING_UNSUPPORTED')) throw error;
    if (rank === 0) console.log(`${title}: left out; ${error.message}\n`);
    return Object.fromEntries(algorithms.map((name) => [name, unknown]));
  }
  const times = timeAlgorithms(ring(), algorithms);
  const found = costsOf(loadAddon(), size, times);
  if (rank === 0) report(`allreduce of ${size} ranks ${title}, median microseconds`, times, found);
  await shutdown();
  return found;
}

function ring(): Ring {
  const { native } = activeSession();
  const maximum = (values: Float64Array) => {
    const largest = new Float64Array(values.length);
    const shapes = [[values.length]];
    native.run({
      kind: 'allreduce',
      name: 'slowest',
      dtype: 'float64',
      op: 'max',
      shapes,
      inputs: [values],
      outputs: [largest],
    });
    return largest;
  };
  return { native, maximum };
}

function report(title: string, times: readonly TimedSize[], found: Partial<AlgorithmCosts>): void {
  const addon = loadAddon();
  const names = [...times[0]!.nanoseconds.keys()];
  const rows = times.map((timed) => {
    const name = chosen(addon, size, timed, found);
    const micros = names.map((algorithm) => (timed.nanoseconds.get(algorithm)! / 1000).toFixed(1));
    const loss = timed.nanoseconds.get(name)! / Math.min(...timed.nanoseconds.values()) - 1;
    const note = loss > 0 ? `${name} (${Math.round(loss * 100)} % above the fastest)` : name;
    return [String(timed.bytes), ...micros, note];
  });
  const lines = [['bytes', ...names, 'will be chosen'], ...rows];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (cell: string, column: number) => (column === widths.length - 1 ? cell : cell.padStart(widths[column]!));
  console.log(`${title}\n${lines.map((line) => line.map(pad).join('  ')).join('\n')}`);
  for (const name of names) {
    const { stepNanoseconds, bytePicoseconds } = found[name]!;
    console.log(
      `${name}: ${(stepNanoseconds / 1000).toFixed(1)} us a step, ${(bytePicoseconds / 1000).toFixed(2)} ns a byte`,
    );
  }
  console.log('');
}
