import { Command } from 'commander';
import { report } from '../report/main.js';
import { callOf } from './subcommand.js';

/** What `tsrun report FILE...` prints. @throws RING_INVALID_ARGUMENT */
export function reportFiles(argv: readonly string[]): string {
  const program = new Command('tsrun report')
    .description('Compares what the benchmarks wrote: a table here, and charts in one HTML page that needs no network.')
    .argument('<file...>', 'written with --json, or training.json, or collectives.json; later ones beside the first')
    .option('-o, --output <file>', 'the page', 'report.html');
  const call = callOf<{ output: string }>(program, argv);
  return call.printed ?? report(call.args, call.flags.output);
}
