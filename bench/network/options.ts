import { Command, InvalidArgumentError } from 'commander';
import { parseSizes } from '../collectives-options.js';
import { type Parsed, parseArguments, positiveNumber, wholeNumber } from '../command-line.js';
import { nearest } from '../../lib/launcher/nearest.js';
import { systems } from './systems.js';

export interface NetworkBenchOptions {
  hosts: number;
  /** Mbit/s. */
  rates: number[];
  /** Microseconds, one way. */
  delays: number[];
  /** Bytes that the system takes in for a connection at most; undefined: as it comes. */
  buffer?: number;
  /** Bytes, each a multiple of 4. */
  sizes: number[];
  rounds: number;
  budget: number;
  min_iterations: number;
  /** Names of systems. */
  systems: string[];
  timeout: number;
  json?: string;
}

export function parseNetworkBenchOptions(argv: readonly string[]): Parsed<NetworkBenchOptions> {
  const program = new Command('network')
    .description(
      'Times allreduce of this package and of others across emulated hosts, one rank each, in turns. Needs root.',
    )
    .option('--hosts <n>', 'number of hosts, at most 8', wholeNumber(2), 4)
    .option('--rates <list>', 'rates of the links, Mbit/s', parseNumbers, [1000, 10_000])
    .option('--delays <list>', 'delays one way, us; 0: as fast as the kernel', parseNumbers, [100, 1000])
    .option('--buffer <bytes>', 'what the system takes in for a connection at most', wholeNumber(4096))
    .option('--sizes <list>', 'bytes, with K, M or G', parseSizes, parseSizes('4,4K,64K,1M,16M,64M'))
    .option('--rounds <n>', 'how often each system has its turn on each network', wholeNumber(1), 3)
    .option('--budget <seconds>', 'time for the iterations of one size', positiveNumber, 0.5)
    .option('--min_iterations <n>', 'iterations of a size at least', wholeNumber(1), 3)
    .option('--systems <list>', 'only these', parseSystems, Object.keys(systems))
    .option('--timeout <seconds>', 'for one run of one system', positiveNumber, 120)
    .option('--json <file>', 'append settings and results to a file, a line of JSON for each network');
  return parseArguments(program, argv) as Parsed<NetworkBenchOptions>;
}

function parseNumbers(list: string): number[] {
  return list.split(',').map((text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
    throw new InvalidArgumentError(`${JSON.stringify(text)} is no number of at least 0.`);
  });
}

function parseSystems(list: string): string[] {
  const names = Object.keys(systems);
  return list.split(',').map((name) => {
    if (names.includes(name)) return name;
    const near = nearest(name, names);
    throw new InvalidArgumentError(near === undefined ? `Systems are ${names.join(', ')}.` : `Did you mean ${near}?`);
  });
}
