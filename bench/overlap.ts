import { Command } from 'commander';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as ring from '../lib/index.js';
import { type Backend, openBackend } from './backend.js';
import { countBlockedTime } from './blocked-time.js';
import { choiceOption, parseArguments, type Parsed, wholeNumber } from './command-line.js';
import { appendRecord } from './json-line.js';
import { describeCommit, describeMachine } from './machine.js';
import { runBenchmark } from './main.js';
import { buildModel, modelNames, models, type ModelName } from './models/index.js';
import { overlapFigures, type OverlapFigures, type StepTimes, type Way, ways } from './overlap-figures.js';
import { syntheticBatch } from './synthetic.js';
import { textTable } from './text-table.js';
import { TruncatedNormal } from './truncated-normal.js';

/**
 * What overlap gains: steps without communication, with gradients that are reduced after backward, and with gradients that are reduced
 * while backward goes on, in turn, so that all three meet the same machine.
 */
interface Options {
  readonly model: ModelName;
  readonly batch_size: number;
  readonly image_size?: number;
  readonly num_classes: number;
  readonly steps: number;
  readonly warmup: number;
  readonly backend: Backend['name'];
  readonly priority: boolean;
  readonly split_large?: true;
  readonly json?: string;
}

const program = new Command('overlap')
  .description('Communication that overlap hides behind backward, and what it leaves of a step.')
  .addOption(choiceOption('model', 'model', modelNames).default('inception_v1'))
  .option('--batch_size <n>', 'images a rank and a step', wholeNumber(1), 4)
  .option('--image_size <pixels>', "height and width (default: the model's own)", wholeNumber(1))
  .option('--num_classes <n>', 'classes', wholeNumber(2), 1000)
  .option('--steps <n>', 'timed, of each of the three kinds', wholeNumber(1), 8)
  .option('--warmup <n>', 'before them', wholeNumber(2), 2)
  .addOption(choiceOption('backend', 'of tfjs', ['tensorflow', 'cpu']).default('tensorflow'))
  .option('--no-priority', 'during backward, buckets are reduced as they come, and not those of front layers first')
  .option('--split_large', 'during backward, gradients larger than a bucket are reduced in slices')
  .option('--json <file>', 'append the figures to it');

await runBenchmark(parseArguments(program, process.argv.slice(2)) as Parsed<Options>, measure);

async function measure(options: Options): Promise<void> {
  const { backend: name, model, batch_size: batch, steps, warmup } = options;
  const imageSize = options.image_size ?? models[model].imageSize;
  const { tf, version } = await openBackend(name);
  if (name === 'tensorflow') ring.accelerate();
  const built = buildModel(tf, model, { imageSize, numClasses: options.num_classes, dataFormat: 'NHWC' });
  built.initialize(new TruncatedNormal(1234));
  await ring.broadcastWeights(built.layers);
  const { images, labels } = syntheticBatch(tf, batch, imageSize, options.num_classes, 1235 + ring.rank());
  const loss = () => tf.losses.softmaxCrossEntropy<Tensor, Scalar>(labels, built.logits(images));
  // So small that the weights stay what they are: ranks that train alone drift apart otherwise.
  const sgd = () => tf.train.sgd(1e-9);
  const optimizers = {
    none: sgd(),
    after: new ring.DistributedOptimizer(sgd(), { name: 'after', overlap: false }),
    during: new ring.DistributedOptimizer(sgd(), {
      name: 'during',
      overlap: true,
      priority: options.priority,
      splitLarge: options.split_large === true,
    }),
  };
  const blocked = countBlockedTime();
  const own: Record<Way, StepTimes[]> = { none: [], after: [], during: [] };
  for (let step = -warmup; step < steps; step++) {
    for (const way of ways) {
      await ring.barrier({ name: 'begin' });
      blocked();
      const began = performance.now();
      const cost = optimizers[way].minimize(loss, true)!;
      cost.dataSync(); // the end of the step
      const times = { step: performance.now() - began, blocked: blocked() };
      cost.dispose();
      if (step >= 0) own[way].push(times);
    }
  }
  const all = await ring.allgatherObject(own);
  if (ring.rank() !== 0) return;
  const byWay = {
    none: all.map((one) => one.none),
    after: all.map((one) => one.after),
    during: all.map((one) => one.during),
  };
  const figures = overlapFigures(byWay);
  const threads = process.env['TF_NUM_INTRAOP_THREADS'] ?? 'default';
  const parameters = built.layers.countParams();
  console.log(
    `${model}, ${ring.size()} ranks, batch ${batch}, ${imageSize} pixels, ${parameters} parameters, ${steps} steps of each, ` +
      `${name}${version === undefined ? '' : ` ${version}`}, TensorFlow threads: ${threads}`,
  );
  lines(figures).forEach((line) => console.log(line));
  if (options.json === undefined) return;
  appendRecord(options.json, {
    ...{
      benchmark: 'overlap',
      model,
      ranks: ring.size(),
      batch,
      imageSize,
      parameters,
      backend: name,
      version,
      threads,
    },
    ...figures,
    ...{ times: byWay, machine: describeMachine(), commit: describeCommit() },
  });
}

function lines({ of, hidden, ratio }: OverlapFigures): string[] {
  const titles = { none: 'no communication', after: 'after backward', during: 'during backward' };
  const ms = (value: number) => value.toFixed(1);
  const table = textTable<Way>([
    { title: 'gradients are reduced', value: (way) => titles[way], width: 21, align: 'left' },
    { title: 'step ms', value: (way) => ms(of[way].step), width: 9 },
    { title: 'of it exposed', value: (way) => ms(of[way].exposed), width: 13 },
    { title: 'over no communication', value: (way) => ms(of[way].step - of.none.step), width: 21 },
  ]);
  const gain = `a step takes ${ratio.toFixed(3)} of its time without overlap`;
  const share = Number.isFinite(hidden)
    ? `${(100 * hidden).toFixed(0)} % of the communication`
    : 'nothing, as nothing is exposed';
  return [table.header, ...ways.map(table.row), `hidden: ${share}; ${gain}`];
}
