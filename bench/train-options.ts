import { Command, InvalidArgumentError } from 'commander';
import { type Parsed, choiceOption, parseArguments, positiveNumber, wholeNumber } from './command-line.js';
import { type ModelName, modelNames } from './models/index.js';
import type { DataFormat } from './models/net.js';

export const optimizerNames = ['sgd', 'momentum', 'rmsprop', 'adam'] as const;
export const variableUpdates = ['collective', 'parameter_server', 'independent'] as const;
/** How gradients travel. */
export const compressions = ['none', 'fp16', 'bf16', 'int8'] as const;
/** What `accelerate` replaces in tfjs-node. */
export const accelerable = ['relu', 'biasRelu', 'maxPool', 'optimizers'] as const;
export type Accelerable = (typeof accelerable)[number];
export const dataNames = ['imagenet', 'folders'] as const;
export const backendChoices = ['tensorflow', 'wasm', 'cpu', 'auto'] as const;

/** Named as on the command line, and as tf_cnn_benchmarks has them where it has them. */
export interface TrainOptions {
  /** Undefined: inception_v1 on the tensorflow backend, embedded on others. */
  model?: ModelName;
  /** Images a rank and a step; 0: the model's own. */
  batch_size: number;
  num_batches: number;
  num_warmup_batches: number;
  display_every: number;
  optimizer: (typeof optimizerNames)[number];
  /** Undefined: the model's own. */
  learning_rate?: number;
  variable_update: (typeof variableUpdates)[number];
  /** On parameter servers: all ranks make each step together. */
  cross_replica_sync?: true;
  /** On parameter servers, without `cross_replica_sync`; undefined: no bound. */
  max_staleness?: number;
  data_format: DataFormat;
  /** Reduce gradients while backward computes others. Undefined: by where ranks run. */
  overlap?: boolean;
  compression: (typeof compressions)[number];
  backend: (typeof backendChoices)[number];
  /** Undefined: the model's own. */
  image_size?: number;
  num_classes: number;
  seed: number;
  /** On the tensorflow backend. */
  accelerate: readonly Accelerable[];
  /** Undefined: synthetic images. */
  data_dir?: string;
  /** Undefined: by what is in the folder. */
  data_name?: (typeof dataNames)[number];
  /** Threads that read and decode; undefined: by the cores. */
  datasets_num_private_threads?: number;
  json?: string;
}

export function parseTrainOptions(argv: readonly string[]): Parsed<TrainOptions> {
  const program = new Command('train')
    .description('Trains a model on synthetic or real images and prints images/sec in the form of tf_cnn_benchmarks.')
    .addOption(choiceOption('model', 'model (default: inception_v1, or embedded without TensorFlow)', modelNames))
    .option('--batch_size <n>', "images a rank and a step; 0: the model's own", wholeNumber(0), 0)
    .option('--num_batches <n>', 'timed steps', wholeNumber(1), 100)
    .option('--num_warmup_batches <n>', 'steps before the timed ones', wholeNumber(0), 10)
    .option('--display_every <n>', 'steps from one printed row to the next', wholeNumber(1), 10)
    .addOption(choiceOption('optimizer', 'optimizer', optimizerNames).default('sgd'))
    .option('--learning_rate <x>', "learning rate (default: the model's own)", positiveNumber)
    .addOption(
      choiceOption(
        'variable_update',
        'collective: gradients are averaged over the ranks; parameter_server: as tsrun --ps starts them; independent: no communication',
        variableUpdates,
      ).default('collective'),
    )
    .option(
      '--cross_replica_sync',
      'with parameter_server: a step of all ranks together (default: each at its own pace)',
    )
    .option(
      '--max_staleness <n>',
      'with parameter_server: steps that a rank may be ahead of the slowest',
      wholeNumber(0),
    )
    .addOption(
      choiceOption('data_format', 'order of the dimensions inside the model', ['NHWC', 'NCHW']).default('NHWC'),
    )
    .option(
      '--overlap',
      'reduce gradients while backward computes others (default: where ranks have processors to spare)',
    )
    .option('--no-overlap', 'reduce gradients after backward, at once')
    .addOption(choiceOption('compression', 'how gradients travel', compressions).default('none'))
    .addOption(
      choiceOption('backend', 'tfjs backend; auto: tensorflow, or else wasm, or else cpu', backendChoices).default(
        'auto',
      ),
    )
    .option('--image_size <pixels>', "height and width (default: the model's own)", wholeNumber(1))
    .option('--num_classes <n>', 'classes', wholeNumber(2), 1000)
    .option('--seed <n>', 'of the initial weights, and with the rank of the images', wholeNumber(0), 1234)
    .option(
      '--accelerate <parts>',
      `on the tensorflow backend: all, none, or some of ${accelerable.join(',')}`,
      accelerableParts,
      accelerable,
    )
    .option(
      '--data_dir <folder>',
      'real images: ImageNet as TFRecords (train-*), or a folder for each class, or these in a folder train (default: synthetic images)',
    )
    .addOption(choiceOption('data_name', 'what is in data_dir (default: what it looks like)', dataNames))
    .option(
      '--datasets_num_private_threads <n>',
      'threads of each rank that read and decode (default: by the cores)',
      wholeNumber(1),
    )
    .option('--json <file>', 'append all settings and figures to a file as one line of JSON');
  return parseArguments(program, argv) as Parsed<TrainOptions>;
}

function accelerableParts(text: string): readonly Accelerable[] {
  if (text === 'all') return accelerable;
  if (text === 'none') return [];
  return text.split(',').map((part) => {
    const known = accelerable.find((name) => name === part);
    if (known === undefined)
      throw new InvalidArgumentError(`Allowed are all, none, and ${accelerable.join(', ')} with commas between.`);
    return known;
  });
}
