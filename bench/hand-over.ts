import { Command } from 'commander';
import { activeSession } from '../lib/active-session.js';
import { arrayBridge } from '../lib/tensors/array-bridge.js';
import { bridge, type TensorBridge } from '../lib/tensors/bridge.js';
import { type Backend, openBackend } from './backend.js';
import { choiceOption, parseArguments, type Parsed, wholeNumber } from './command-line.js';
import { appendJsonLine } from './json-line.js';
import { describeCommit, describeMachine } from './machine.js';
import { runBenchmark } from './main.js';
import { median } from '../lib/statistics.js';

/**
 * What it costs to get tensors into the engine and results out: an allreduce on a ring of one rank, where the engine does nothing but
 * copy. Beside it the same by way of dataSync, and a plain copy of as many bytes, which is the least that the engine can do.
 */
interface Options {
  readonly backend: Backend['name'];
  readonly repeats: number;
  readonly tensors: number;
  readonly bytes: number;
  readonly json?: string;
}

const program = new Command('hand-over.js')
  .description('Cost of handing tensors to the engine and results back, by an allreduce on one rank.')
  .addOption(choiceOption('backend', 'of tfjs', ['tensorflow', 'wasm', 'cpu']).default('tensorflow'))
  .option('--tensors <n>', 'in the group of small ones, each of 1 KiB', wholeNumber(1), 160)
  .option('--bytes <n>', 'of the large one', wholeNumber(4), 100_000_000)
  .option('--repeats <n>', 'measured, after a tenth as many to warm up', wholeNumber(1), 50)
  .option('--json <file>', 'append the figures to it');

await runBenchmark(parseArguments(program, process.argv.slice(2)) as Parsed<Options>, measure);

async function measure({ backend, repeats, tensors, bytes, json }: Options): Promise<void> {
  const { tf, version } = await openBackend(backend);
  const machine = describeMachine();
  console.log(`${backend} ${version ?? tf.version_core}, ${machine.cpu}, ${machine.cores} cores, ${repeats} repeats`);
  console.log('what                                   min ms   median      max');
  const groups = {
    [`${tensors} tensors of 1 KiB`]: [tensors, 256],
    [`1 tensor of ${bytes} B`]: [1, bytes >> 2],
  } as const;
  for (const [group, [count, length]] of Object.entries(groups)) {
    const inputs = Array.from({ length: count }, () => tf.ones([length]).add(1));
    const reduce = (way: TensorBridge) => () => {
      const header = { kind: 'allreduce', name: 'hand-over', dtype: 'float32', op: 'sum' } as const;
      tf.dispose([...way.runSync(activeSession().native, header, inputs).values]);
    };
    const [from, to] = [new Float32Array(count * length).fill(1), new Float32Array(count * length).fill(2)];
    const ways = { bridge: reduce(bridge()), dataSync: reduce(arrayBridge), 'plain copy': () => to.set(from) };
    for (const [way, once] of Object.entries(ways)) {
      const ms = timesMs(once, repeats);
      const figures = { min: Math.min(...ms), median: median(ms), max: Math.max(...ms) };
      const cells = Object.values(figures).map((figure) => figure.toFixed(3).padStart(9));
      console.log(`${`${group}, ${way}`.padEnd(36)}${cells.join('')}`);
      if (json !== undefined) {
        appendJsonLine(json, {
          bench: 'hand-over',
          backend,
          group,
          way,
          ms: figures,
          repeats,
          machine,
          commit: describeCommit(),
        });
      }
    }
    tf.dispose(inputs);
  }
}

function timesMs(once: () => void, repeats: number): number[] {
  const times: number[] = [];
  for (let i = -Math.ceil(repeats / 10); i < repeats; i++) {
    const began = performance.now();
    once();
    if (i >= 0) times.push(performance.now() - began);
  }
  return times;
}
