import { Command } from 'commander';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../lib/index.js';
import { type Backend, openBackend } from './backend.js';
import { choiceOption, parseArguments, type Parsed, wholeNumber } from './command-line.js';
import { appendJsonLine } from './json-line.js';
import { describeCommit, describeMachine } from './machine.js';
import { runBenchmark } from './main.js';

/** What a rank holds once it has trained some steps: weights and the optimizer's state, whole or spread over the ranks. */
interface Options {
  readonly backend: Backend['name'];
  readonly optimizer: 'adam' | 'momentum';
  readonly width: number;
  readonly layers: number;
  readonly shard?: boolean;
  readonly json?: string;
}

const program = new Command('optimizer-memory.js')
  .description('Memory of a rank that has trained a dense model: as tfjs counts it, and of the process.')
  .addOption(choiceOption('backend', 'of tfjs', ['tensorflow', 'wasm', 'cpu']).default('tensorflow'))
  .addOption(choiceOption('optimizer', 'of tfjs', ['adam', 'momentum']).default('adam'))
  .option('--width <n>', 'units of each layer', wholeNumber(1), 2000)
  .option('--layers <n>', 'of width times width weights', wholeNumber(1), 6)
  .option('--shard', "spread the optimizer's state over the ranks")
  .option('--json <file>', 'append the figures to it');

await runBenchmark(parseArguments(program, process.argv.slice(2)) as Parsed<Options>, measure);

async function measure({ backend, optimizer: kind, width, layers, shard = false, json }: Options): Promise<void> {
  const { tf } = await openBackend(backend);
  const weights: Variable[] = Array.from({ length: layers }, () =>
    tf.tidy(() => tf.variable(tf.randomNormal([width, width], 0, 0.01))),
  );
  const inner = kind === 'adam' ? tf.train.adam(1e-4) : tf.train.momentum(1e-4, 0.9);
  const optimizer = new ring.DistributedOptimizer(inner, { shardOptimizerState: shard });
  await ring.broadcastWeights(weights);
  const input = tf.randomNormal([4, width]);
  const loss = () => tf.mean<Scalar>(weights.reduce<Tensor>((x, weight) => tf.tanh(tf.matMul(x, weight)), input));
  for (let step = 0; step < 5; step++) tf.tidy(() => void optimizer.minimize(loss, false, weights));
  const weightBytes = 4 * width * width * layers;
  const figures = {
    weightBytes,
    stateBytes: tf.memory().numBytes - weightBytes - 4 * input.size,
    residentBytes: process.memoryUsage().rss,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  };
  await ring.barrier();
  if (ring.rank() !== 0) return;
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`${backend}, ${kind}, ${ring.size()} ranks, state ${shard ? 'spread' : 'whole'}, on rank 0:`);
  for (const [name, bytes] of Object.entries(figures)) console.log(`${name.padEnd(20)}${mb(bytes).padStart(12)}`);
  if (json === undefined) return;
  const setup = { backend, optimizer: kind, width, layers, shard, ranks: ring.size() };
  appendJsonLine(json, {
    bench: 'optimizer-memory',
    ...setup,
    ...figures,
    machine: describeMachine(),
    commit: describeCommit(),
  });
}
