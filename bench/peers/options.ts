import { Command, InvalidArgumentError } from 'commander';
import { parseSizes } from '../collectives-options.js';
import { type Parsed, parseArguments, positiveNumber, wholeNumber } from '../command-line.js';
import { nearest } from '../../lib/launcher/nearest.js';
import { systems } from './systems.js';

export interface PeersOptions {
  np: number[];
  /** Bytes, each a multiple of 4. */
  sizes: number[];
  rounds: number;
  budget: number;
  min_iterations: number;
  max_iterations: number;
  /** Names of systems. */
  systems: string[];
  timeout: number;
  install: boolean;
  list: boolean;
  out?: string;
  from?: string;
}

export function parsePeersOptions(argv: readonly string[]): Parsed<PeersOptions> {
  const program = new Command('collectives --peers')
    .description('Times allreduce of this package and of other systems on this machine, in turns, by one protocol.')
    .option('--np <list>', 'numbers of ranks', parseCounts, [2, 4, 8])
    .option('--sizes <list>', 'bytes, with K, M or G', parseSizes, parseSizes('4,4K,64K,1M,16M,64M,256M'))
    .option('--rounds <n>', 'how often each system has its turn', wholeNumber(1), 3)
    .option('--budget <seconds>', 'time for the iterations of one size', positiveNumber, 0.2)
    .option('--min_iterations <n>', 'iterations of a size at least', wholeNumber(1), 5)
    .option('--max_iterations <n>', 'iterations of a size at most', wholeNumber(1), 2000)
    .option('--systems <list>', 'only these, by name or as the beginning of names', parseSystems, allSystems())
    .option('--timeout <seconds>', 'for one run of one system', positiveNumber, 300)
    .option('--install', 'install peers that are missing: packages by apt as root, Horovod by pip', false)
    .option('--list', 'say which systems there are, and why others are missing; measure nothing', false)
    .option('--out <folder>', 'where results go (default: a new folder in the cache folder)')
    .option('--from <file>', 'measure nothing, but tell of the results in this JSON file again');
  return parseArguments(program, argv) as Parsed<PeersOptions>;
}

/** `gloo,tsring` as names of systems, in the order of a round. */
export function parseSystems(list: string): string[] {
  const wanted = list.split(',').map((text) => text.trim());
  for (const text of wanted) {
    if (text !== '' && allSystems().some((name) => name.startsWith(text))) continue;
    const near = nearest(text, allSystems());
    throw new InvalidArgumentError(
      near === undefined ? `Systems are ${allSystems().join(', ')}.` : `Did you mean ${near}?`,
    );
  }
  // A name that is also the beginning of others means itself alone.
  return allSystems().filter((name) =>
    wanted.some((text) => (allSystems().includes(text) ? name === text : name.startsWith(text))),
  );
}

function parseCounts(list: string): number[] {
  return list.split(',').map(wholeNumber(1));
}

function allSystems(): string[] {
  return systems.map(({ name }) => name);
}
