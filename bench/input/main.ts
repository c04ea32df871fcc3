// What `npm run bench:input` runs: is reading images what training waits for? See docs/benchmarks.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { choiceOption, parseArguments, type Parsed, wholeNumber } from '../command-line.js';
import { modelNames } from '../models/index.js';
import { runInTerminal } from '../run-in-terminal.js';
import { dataNames } from '../train-options.js';
import { makeImages, type MadeImages } from './make-images.js';
import { refuseUnderTsrun } from '../refuse-under-tsrun.js';

interface Options {
  readonly np: number;
  readonly data_dir?: string;
  readonly make?: string;
  readonly images: number;
  readonly format: MadeImages['format'];
  readonly threads?: number;
  readonly model: string;
  readonly batch_size: number;
  readonly image_size: number;
  readonly num_batches: number;
  readonly datasets_num_private_threads?: number;
  readonly json?: string;
}

refuseUnderTsrun('bench:input', 'dist/bench/train.js');

const program = new Command('input')
  .description('Trains on synthetic and on real images in turns, and reads without training: what does input cost?')
  .option('--np <n>', 'ranks', wholeNumber(1), 2)
  .option('--data_dir <folder>', 'real images, as train.js takes them (default: made for this run, and removed)')
  .option('--make <folder>', 'only make images there, for --data_dir of this and of train.js')
  .option('--images <n>', 'how many are made', wholeNumber(1), 200)
  .addOption(choiceOption('format', 'in which form', dataNames).default('imagenet'))
  .addOption(choiceOption('model', 'model', modelNames).default('inception_v1'))
  .option('--batch_size <n>', 'images a rank and a step', wholeNumber(1), 4)
  .option('--image_size <pixels>', 'height and width', wholeNumber(1), 224)
  .option('--num_batches <n>', 'timed steps of each kind', wholeNumber(1), 10)
  .option(
    '--datasets_num_private_threads <n>',
    'threads of each rank that read (default: by the cores)',
    wholeNumber(1),
  )
  .option('--threads <n>', "TensorFlow's, a rank (default: cores over ranks)", wholeNumber(1))
  .option('--json <file>', 'append settings and figures to a file as a line of JSON');

const { options, exit } = parseArguments(program, process.argv.slice(2)) as Parsed<Options>;
if (exit) {
  (exit.code === 0 ? console.log : console.error)(exit.text);
  process.exitCode = exit.code;
} else {
  process.exitCode = await main(options);
}

async function main(chosen: Options): Promise<number> {
  const made = { images: chosen.images, classes: Math.min(10, chosen.images), format: chosen.format };
  if (chosen.make !== undefined) {
    await makeImages(chosen.make, made);
    console.log(`${chosen.images} images in ${chosen.make}`);
    return 0;
  }
  if (chosen.data_dir !== undefined) return compare(chosen, chosen.data_dir);
  const folder = mkdtempSync(path.join(tmpdir(), 'tsring-images-'));
  try {
    await makeImages(folder, made);
    return await compare(chosen, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compare(chosen: Options, folder: string): Promise<number> {
  const threads = chosen.threads ?? Math.max(1, Math.floor(availableParallelism() / chosen.np));
  process.env['TF_NUM_INTRAOP_THREADS'] = process.env['TF_NUM_INTEROP_THREADS'] = `${threads}`;
  const { model, batch_size, image_size, num_batches, datasets_num_private_threads, json } = chosen;
  const flags = { model, batch_size, image_size, num_batches, datasets_num_private_threads, json };
  return runInTerminal(
    ...(['../../bin/tsrun', '-np', `${chosen.np}`, '--oversubscribe', '--no-tag-output'] as const),
    path.join(import.meta.dirname, 'rank.js'),
    ...['--data_dir', folder],
    ...Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, `${value}`])),
  );
}
