import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { Command } from 'commander';
import * as ring from '../../lib/index.js';
import { openBackend } from '../backend.js';
import { choiceOption, parseArguments, type Parsed, positiveNumber, wholeNumber } from '../command-line.js';
import { runBenchmark } from '../main.js';
import { buildModel, modelNames, type ModelName } from '../models/index.js';
import { syntheticBatch } from '../synthetic.js';
import { TruncatedNormal } from '../truncated-normal.js';
import { sampleLine } from './sample.js';

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
  .option('--overlap', 'reduce gradients while backward computes others');

await runBenchmark(parseArguments(program, process.argv.slice(2)) as Parsed<Options>, measure);

async function measure(options: Options): Promise<void> {
  const { model, batch_size: batch, image_size: imageSize, num_batches: timed, num_warmup_batches: warmup } = options;
  const { tf, version } = await openBackend('tensorflow');
  if (options.accelerate) ring.accelerate();
  const built = buildModel(tf, model, { imageSize, numClasses, dataFormat: 'NHWC' });
  built.initialize(new TruncatedNormal(1));
  await ring.broadcastWeights(built.layers);
  const { images, labels } = syntheticBatch(tf, batch, imageSize, numClasses, 2 + ring.rank());
  const own = tf.train.momentum(options.learning_rate, 0.9);
  const shared = new ring.DistributedOptimizer(own, { overlap: options.overlap === true });
  const cost = () => tf.losses.softmaxCrossEntropy<Tensor, Scalar>(labels, built.logits(images));

  function step(optimizer: Pick<typeof own, 'minimize'>): { ms: number; loss: number } {
    ring.barrierSync({ name: 'begin' });
    const began = performance.now();
    const scalar = optimizer.minimize(cost, true)!;
    const [loss] = scalar.dataSync(); // the end of the step
    const ms = performance.now() - began;
    scalar.dispose();
    return { ms, loss: loss! };
  }

  const steps: number[] = [];
  const localSteps: number[] = [];
  let last = NaN;
  for (let i = -warmup; i < timed; i++) {
    const { ms, loss } = step(shared);
    if (i >= 0) steps.push(ms);
    last = loss;
    if (ring.size() === 1) continue;
    const local = step(own);
    if (i >= 0) localSteps.push(local.ms);
  }
  if (ring.rank() !== 0) return;
  const line = sampleLine({
    ...{ model, batch, imageSize, steps, localSteps },
    ranks: ring.size(),
    threads: Number(process.env['TF_NUM_INTRAOP_THREADS']),
    parameters: built.layers.countParams(),
    peakBytes: process.resourceUsage().maxRSS * 1024,
    tensorflow: version ?? '',
    loss: last,
  });
  console.log(line);
}
