import { Command, InvalidArgumentError } from 'commander';
import { type Parsed, parseArguments, positiveNumber, wholeNumber } from './command-line.js';

export interface CollectivesOptions {
  /** Bytes, each a multiple of 4. */
  sizes: number[];
  budget: number;
  min_iterations: number;
  max_iterations: number;
  tsv: boolean;
  json?: string;
}

export function parseCollectivesOptions(argv: readonly string[]): Parsed<CollectivesOptions> {
  const program = new Command('collectives')
    .description('Times in-place float32 allreduce, blocking, from small to large. Start it with tsrun.')
    .option(
      '--sizes <list>',
      'bytes, with K, M or G for powers of 1024',
      parseSizes,
      parseSizes('4,4096,65536,1M,16M,64M,256M'),
    )
    .option('--budget <seconds>', 'time for the rounds of one size', positiveNumber, 1)
    .option('--min_iterations <n>', 'rounds of a size at least', wholeNumber(1), 5)
    .option('--max_iterations <n>', 'rounds of a size at most', wholeNumber(1), 2000)
    .option('--tsv', 'tab-separated rows, in the columns of the other systems’ benches', false)
    .option('--json <file>', 'append settings and rows to a file as one line of JSON');
  return parseArguments(program, argv) as Parsed<CollectivesOptions>;
}

/** `4,64K,1M` in bytes. */
export function parseSizes(list: string): number[] {
  return list.split(',').map((text) => {
    const [, digits, unit] = /^(\d+)([KMG]?)B?$/i.exec(text.trim()) ?? [];
    const bytes = Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit?.toUpperCase() ?? '');
    if (Number.isSafeInteger(bytes) && bytes >= 4 && bytes % 4 === 0) return bytes;
    throw new InvalidArgumentError(`${JSON.stringify(text)} is no size: give bytes in multiples of 4, as in 4,64K,1M.`);
  });
}
