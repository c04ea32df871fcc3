import { Command, InvalidArgumentError } from 'commander';
import { type Parsed, parseArguments, wholeNumber } from '../command-line.js';
import { modelNames } from '../models/index.js';
import { systems } from './systems.js';
import type { Workload } from './workload.js';

export interface TrainingOptions {
  np: number[];
  workloads: Workload[];
  rounds: number;
  warmup: number;
  /** Mbit/s of emulated hosts' links, 0 for as much as the kernel carries; 'host': all ranks on this machine. */
  networks: ('host' | number)[];
  peers?: true;
  systems?: string[];
  tensorflow: string;
  install: boolean;
  threads?: number;
  timeout: number;
  out?: string;
}

export function parseTrainingOptions(argv: readonly string[]): Parsed<TrainingOptions> {
  const program = new Command('training')
    .description('Times training on synthetic images, ours and with --peers that of others, in turns.')
    .option('--np <list>', 'numbers of ranks', counts, [1, 2])
    .option(
      '--workloads <list>',
      'model:batch:pixels:timed steps',
      workloads,
      workloads('inception_v1:4:224:5,vgg19:1:224:3'),
    )
    .option(
      '--networks <list>',
      'host: all ranks on this machine; unshaped, or Mbit/s: a host for each rank, emulated (needs root)',
      networks,
      ['host'],
    )
    .option('--rounds <n>', 'how often each system has its turn', wholeNumber(1), 2)
    .option(
      '--warmup <n>',
      'steps before the timed ones, or pairs of steps with and without communication',
      wholeNumber(1),
      6,
    )
    .option('--peers', "also TensorFlow alone, Horovod and TensorFlow's MultiWorkerMirroredStrategy")
    .option('--systems <list>', `only these of ${systems.map(({ name }) => name).join(', ')}`, names)
    .option('--tensorflow <version>', "the peers'", '2.12.1')
    .option('--install', 'install what peers need and is missing', false)
    .option('--threads <n>', "TensorFlow's, a rank (default: cores over the largest number of ranks)", wholeNumber(1))
    .option('--timeout <seconds>', 'for one run', wholeNumber(1), 300)
    .option('--out <folder>', 'where results go (default: a new folder in the cache folder)');
  return parseArguments(program, argv) as Parsed<TrainingOptions>;
}

function counts(list: string): number[] {
  return list.split(',').map(wholeNumber(1));
}

function networks(list: string): ('host' | number)[] {
  return list.split(',').map((text) => (text === 'host' ? text : text === 'unshaped' ? 0 : wholeNumber(1)(text)));
}

function workloads(list: string): Workload[] {
  return list.split(',').map((text) => {
    const [model = '', ...numbers] = text.split(':');
    if (!(modelNames as readonly string[]).includes(model) || numbers.length !== 3)
      throw new InvalidArgumentError(
        `${text} is not model:batch:pixels:steps, with a model of ${modelNames.join(', ')}.`,
      );
    const [batch, imageSize, steps] = numbers.map(wholeNumber(1));
    return { model, batch: batch!, imageSize: imageSize!, steps: steps!, warmup: 0 };
  });
}

function names(list: string): string[] {
  const known = systems.map(({ name }) => name);
  return list.split(',').map((name) => {
    if (!known.includes(name)) throw new InvalidArgumentError(`Systems are ${known.join(', ')}.`);
    return name;
  });
}
