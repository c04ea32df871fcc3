import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { parseArguments, wholeNumber } from './command-line.js';
import { describeMachine } from './machine.js';
import { median } from '../lib/statistics.js';

const tsrun = path.resolve(import.meta.dirname, '../../bin/tsrun');
/** Loads nothing: all the time that is measured is Node's and tsrun's own. */
const nothing = ['--eval', ''];
const run = (args: readonly string[]) => promisify(execFile)(process.execPath, args, { timeout: 60_000 });

/** What tsrun adds to the time that so many processes need that are started side by side. */
async function main(): Promise<void> {
  const program = new Command('bench:startup')
    .description('What tsrun adds to the start and end of its processes.')
    .option('-n, --np <n>', 'processes', wholeNumber(1), 8)
    .option('--rounds <n>', 'with and without tsrun in turn', wholeNumber(1), 5);
  const { options, exit } = parseArguments(program, process.argv.slice(2));
  if (exit) {
    console.log(exit.text);
    process.exitCode = exit.code;
    return;
  }
  const { np, rounds } = options as { np: number; rounds: number };
  const without: number[] = [];
  const within: number[] = [];
  for (let round = 0; round < rounds; round++) {
    without.push(await timed(() => Promise.all(Array.from({ length: np }, () => run(nothing)))));
    const flags = ['-np', String(np), '--oversubscribe'];
    within.push(await timed(() => run([tsrun, ...flags, 'node', ...nothing])));
  }
  const { cpu, cores, node } = describeMachine();
  console.log(`${np} processes, ${rounds} rounds, ${cpu}, ${cores} cores, Node ${node}`);
  console.log(row('without tsrun', without));
  console.log(row('with tsrun', within));
  console.log(`tsrun adds ${(median(within) - median(without)).toFixed(0)} ms (medians)`);
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

function row(title: string, times: readonly number[]): string {
  const [least, most] = [Math.min(...times), Math.max(...times)];
  return `${title.padEnd(14)} ${median(times).toFixed(0)} ms (${least.toFixed(0)} to ${most.toFixed(0)})`;
}

await main();
