import type { Optimizer, Scalar, Tensor } from '@tensorflow/tfjs';
import { Command } from 'commander';
import * as ring from '../../lib/index.js';
import { openBackend } from '../backend.js';
import { choiceOption, parseArguments, type Parsed, positiveNumber, wholeNumber } from '../command-line.js';
import { openInput } from '../input/input.js';
import { runBenchmark } from '../main.js';
import { buildModel, modelNames, type ModelName } from '../models/index.js';
import { TruncatedNormal } from '../truncated-normal.js';
import { rankLine, sampleLine } from './sample.js';

/** One of our ranks in bench:training: steps with communication and without in turn, as programs/tensorflow_peer.py has them. */
interface Options {
  readonly model: ModelName;
  readonly batch_size: number;
  readonly image_size: number;
  readonly num_batches: number;
  readonly num_warmup_batches: number;
  readonly learning_rate: number;
  readonly accelerate: boolean;
  readonly overlap?: true;
  readonly variable_update: 'collective' | 'parameter_server';
  readonly cross_replica_sync?: true;
  readonly data_dir?: string;
}

const numClasses = 1000;

const program = new Command('rank')
  .addOption(choiceOption('model', 'model', modelNames).makeOptionMandatory())
  .requiredOption('--batch_size <n>', 'images a rank and a step', wholeNumber(1))
  .requiredOption('--image_size <pixels>', 'height and width', wholeNumber(1))
  .requiredOption('--num_batches <n>', 'timed steps', wholeNumber(1))
  .requiredOption('--num_warmup_batches <n>', 'before them', wholeNumber(0))
  .requiredOption('--learning_rate <x>', 'of momentum', positiveNumber)
  .option('--no-accelerate', "tfjs's own gradients and steps")
  .option('--overlap', 'reduce gradients while backward computes others')
  .addOption(choiceOption('variable_update', 'who updates', ['collective', 'parameter_server']).default('collective'))
  .option('--cross_replica_sync', 'with parameter_server: a step of all ranks together')
  .option('--data_dir <folder>', 'real images, as train.js takes them');

await runBenchmark(parseArguments(program, process.argv.slice(2)) as Parsed<Options>, measure);

async function measure(options: Options): Promise<void> {
  const { model, batch_size: batch, image_size: imageSize, num_batches: timed, num_warmup_batches: warmup } = options;
  const { tf, version } = await openBackend('tensorflow');
  if (options.accelerate) ring.accelerate();
  const built = buildModel(tf, model, { imageSize, numClasses, dataFormat: 'NHWC' });
  built.initialize(new TruncatedNormal(1));
  await ring.broadcastWeights(built.layers);
  const settings = { batch_size: batch, image_size: imageSize, num_classes: numClasses, seed: 1 };
  const input = await openInput(tf, {
    ...settings,
    ...(options.data_dir !== undefined && { data_dir: options.data_dir }),
  });
  const { together, alone } = ways(() => tf.train.momentum(options.learning_rate, 0.9), options);

  async function step(minimize: Minimize): Promise<{ ms: number; inputMs: number; loss: number }> {
    ring.barrierSync({ name: 'begin' });
    const began = performance.now();
    const { images, labels } = await input.next();
    const inputMs = performance.now() - began;
    const cost = () => tf.losses.softmaxCrossEntropy<Tensor, Scalar>(labels, built.logits(images));
    const scalar = minimize(cost)!;
    const [loss] = scalar.dataSync(); // the end of the step
    const ms = performance.now() - began;
    scalar.dispose();
    return { ms, inputMs, loss: loss! };
  }

  const steps: number[] = [];
  const localSteps: number[] = [];
  const inputSteps: number[] = [];
  let last = NaN;
  // V8 goes on compiling for a dozen steps: as many of them come first whether each is one of a pair or not.
  const before = ring.size() === 1 ? 2 * warmup : warmup;
  for (let i = -before; i < timed; i++) {
    const { ms, inputMs, loss } = await step(together);
    if (i >= 0) {
      steps.push(ms);
      inputSteps.push(inputMs);
    }
    last = loss;
    if (ring.size() === 1) continue;
    const local = await step(alone);
    if (i >= 0) localSteps.push(local.ms);
  }
  input.close();
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  console.log(rankLine(ring.rank(), peakBytes));
  if (ring.rank() !== 0) return;
  const line = sampleLine({
    ...{ model, batch, imageSize, steps, localSteps },
    ranks: ring.size(),
    threads: Number(process.env['TF_NUM_INTRAOP_THREADS']),
    parameters: built.layers.countParams(),
    peakBytes,
    ...(options.data_dir !== undefined && { inputSteps }),
    tensorflow: version ?? '',
    loss: last,
  });
  console.log(line);
}

type Minimize = (cost: () => Scalar) => Scalar | null;

/** Steps with communication, and without. A distributed optimizer is the one that it was given, changed: its steps alone are told to be. */
function ways(make: () => Optimizer, options: Options): { together: Minimize; alone: Minimize } {
  if (options.variable_update === 'parameter_server') {
    const [served, own] = [
      new ring.ParameterServerOptimizer(make(), { sync: options.cross_replica_sync === true }),
      make(),
    ];
    return { together: (cost) => served.minimize(cost, true), alone: (cost) => own.minimize(cost, true) };
  }
  const optimizer = new ring.DistributedOptimizer(make(), { overlap: options.overlap === true });
  const together = (cost: () => Scalar) => optimizer.minimize(cost, true);
  return { together, alone: (cost) => optimizer.skipSynchronize(() => together(cost)) };
}
