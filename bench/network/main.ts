// Allreduce across emulated hosts, ours beside others'. See docs/benchmarks.md.
import { appendRecord } from '../json-line.js';
import { describeCommit, describeMachine } from '../machine.js';
import { median } from '../../lib/statistics.js';
import { EmulatedHosts } from './emulated-hosts.js';
import { type Ceiling, measureCeiling, measureSystem } from './measure.js';
import { whyNoNetworks } from './network-names.js';
import { type NetworkBenchOptions, parseNetworkBenchOptions } from './options.js';
import { type NetworkSample, type Row, rowsOf, table } from './report.js';
import { prepared, systems } from './systems.js';
import { refuseUnderTsrun } from '../refuse-under-tsrun.js';

const ceilingSeconds = 1.5;

refuseUnderTsrun('bench:network');
const { options, exit } = parseNetworkBenchOptions(process.argv.slice(2));
const unable = whyNoNetworks();
if (exit) {
  (exit.code === 0 ? console.log : console.error)(exit.text);
  process.exitCode = exit.code;
} else if (unable !== undefined) {
  console.log(`skipped: ${unable}`);
} else {
  await run(options);
}

async function run(options: NetworkBenchOptions): Promise<void> {
  const { buffer } = options;
  const programs = await preparePrograms(options.systems);
  for (const rateMbit of options.rates) {
    for (const delayUs of options.delays) {
      console.log(
        `\n${options.hosts} hosts, ${rateMbit} Mbit/s, ${delayUs} us one way${buffer === undefined ? '' : `, buffers of ${buffer} bytes`}`,
      );
      const { ceilings, samples } = await measureNetwork({ rateMbit, delayUs }, programs, options);
      const rows = rowsOf(samples, ceilings, options.hosts);
      print(rows, ceilings);
      if (rows.some((row) => !row.correct)) process.exitCode = 1;
      if (options.json === undefined) continue;
      appendRecord(options.json, {
        benchmark: 'network',
        time: new Date().toISOString(),
        commit: describeCommit(),
        machine: describeMachine(),
        settings: options,
        network: { rateMbit, delayUs },
        ...{ ceilings, samples, rows },
      });
    }
  }
}

/** By system. What is missing is said, and left out. */
async function preparePrograms(names: readonly string[]): Promise<Map<string, string>> {
  const programs = new Map<string, string>();
  for (const name of names) {
    const part = await prepared(systems[name]!.part);
    if ('reason' in part) console.log(`${name} left out: ${part.reason}`);
    else programs.set(name, part.program);
  }
  return programs;
}

/** Systems take turns, and so does the ceiling: the machine drifts while they run. */
async function measureNetwork(
  link: { rateMbit: number; delayUs: number },
  programs: ReadonlyMap<string, string>,
  options: NetworkBenchOptions,
): Promise<{ ceilings: Ceiling[]; samples: NetworkSample[] }> {
  await using network = await EmulatedHosts.create({
    hosts: options.hosts,
    bufferBytes: options.buffer,
    ...link,
  });
  const settings = {
    sizes: options.sizes,
    budgetSeconds: options.budget,
    minIterations: options.min_iterations,
  };
  const ceilings: Ceiling[] = [];
  const samples: NetworkSample[] = [];
  for (let round = 0; round < options.rounds; round++) {
    ceilings.push(await measureCeiling(network, ceilingSeconds));
    for (const [system, program] of programs) {
      try {
        const timings = await measureSystem(network, systems[system]!, program, settings, options.timeout * 1000);
        samples.push(...timings.map((timing) => ({ ...timing, system, round })));
      } catch (error) {
        console.log(`round ${round}: ${system} failed: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    }
  }
  return { ceilings, samples };
}

function print(rows: readonly Row[], ceilings: readonly Ceiling[]): void {
  const rate = median(ceilings.map((each) => each.bytesPerSecond)) / 1e9;
  const trip = median(ceilings.map((each) => each.roundTripSeconds)) * 1e6;
  console.log(`plain sockets: ${rate.toFixed(4)} GB/s a link, ${trip.toFixed(0)} us there and back`);
  console.log(table.header);
  for (const row of rows) console.log(table.row(row));
}
