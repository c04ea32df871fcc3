import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { report } from '../../lib/report/main.js';
import { formatSize, formatTime } from '../../lib/units.js';
import { recordText } from '../json-line.js';
import { type Machine, describeCommit, describeMachine } from '../machine.js';
import { drawChart } from './chart.js';
import { fold } from './fold.js';
import { type ReadySystem, measureAll } from './measure.js';
import { type PeersOptions, parsePeersOptions } from './options.js';
import { type Part, peersFolder, prepare } from './parts.js';
import { doubtLine, resultTable, verdictLines, verdictTable } from './report.js';
import type { Sample } from './sample.js';
import { systems } from './systems.js';
import { type Verdict, judge } from './verdicts.js';

/** What a run leaves in `collectives.json`. */
export interface PeersRecord {
  readonly benchmark: 'collectives-peers';
  readonly time: string;
  readonly commit?: string | undefined;
  readonly machine: Machine;
  readonly settings: Pick<PeersOptions, 'np' | 'sizes' | 'rounds' | 'budget' | 'min_iterations' | 'max_iterations'>;
  /** Of each part that was used. */
  readonly versions: Readonly<Record<string, string>>;
  /** Systems left out and runs that failed, one line each. */
  readonly notes: readonly string[];
  readonly samples: readonly Sample[];
  readonly verdicts: readonly Verdict[];
}

/**
 * `npm run bench:collectives -- --peers`: measures, prints the tables, writes files.
 *
 * @param argv - without `--peers`
 * @returns the exit status: 1 where a sum was wrong or nothing could be measured
 */
export async function main(argv: readonly string[]): Promise<number> {
  const { options, exit } = parsePeersOptions(argv);
  if (exit) {
    (exit.code === 0 ? console.log : console.error)(exit.text);
    return exit.code;
  }
  const record = options.from === undefined ? await measure(options) : readRecord(options.from);
  if (record === undefined) return 0;
  if (record.samples.length === 0) {
    console.error('nothing was measured');
    return 1;
  }
  print(record);
  write(record, options.out ?? defaultFolder(record));
  return record.samples.every(({ correct }) => correct) ? 0 : 1;
}

/** Undefined if only the list was wanted. */
async function measure(options: PeersOptions): Promise<PeersRecord | undefined> {
  const { np, sizes, rounds, budget, min_iterations } = options;
  const max_iterations = Math.max(min_iterations, options.max_iterations);
  const settings = { np, sizes, rounds, budget, min_iterations, max_iterations };
  const { ready, versions, leftOut } = await prepareSystems(options);
  const notes: string[] = [];
  const note = (text: string) => {
    notes.push(text);
    console.error(`# ${text}`);
  };
  leftOut.forEach(note);
  if (options.list) {
    for (const { system } of ready) console.log(`${system.name} (${system.family} ${versions[system.part]})`);
    return undefined;
  }
  const samples: Sample[] = [];
  const sample = (one: Sample) => {
    samples.push(one);
    console.error(progressLine(one));
  };
  const time = new Date().toISOString();
  const commit = describeCommit();
  await interruptible((signal) =>
    measureAll(ready, { ...settings, timeout: options.timeout }, { sample, note }, signal),
  );
  const machine = describeMachine();
  const verdicts = judge(samples, machine.cores);
  return { benchmark: 'collectives-peers', time, commit, machine, settings, versions, notes, samples, verdicts };
}

async function prepareSystems({ systems: wanted, install }: PeersOptions) {
  const ready: ReadySystem[] = [];
  const versions: Partial<Record<Part, string>> = {};
  const leftOut: string[] = [];
  const chosen = systems.filter(({ name }) => wanted.includes(name));
  for (const part of new Set(chosen.map((system) => system.part))) {
    if (install) console.error(`# installing what ${part} needs; Horovod takes minutes`);
    const prepared = await prepare(part, install);
    const members = chosen.filter((system) => system.part === part);
    if ('reason' in prepared) {
      const hint = install || part === 'tsring' ? '' : ' (--install installs what can be had)';
      leftOut.push(`left out ${members.map(({ name }) => name).join(', ')}: ${prepared.reason}${hint}`);
    } else {
      versions[part] = prepared.version;
      ready.push(...members.map((system) => ({ system, program: prepared.program })));
    }
  }
  ready.sort((a, b) => systems.indexOf(a.system) - systems.indexOf(b.system));
  return { ready, versions, leftOut };
}

/** The first Ctrl-C or SIGTERM ends the measuring, and what was measured is told; a second one ends everything. */
async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await work(abort.signal);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function progressLine({ round, system, ranks, bytes, medianSeconds, correct }: Sample): string {
  return `round ${round}  np ${ranks}  ${system}  ${formatSize(bytes)}  ${formatTime(medianSeconds)}${correct ? '' : '  WRONG'}`;
}

function print(record: PeersRecord): void {
  console.log(resultTable(record.samples));
  const doubt = doubtLine(record.samples);
  if (doubt !== undefined) console.log(doubt);
  console.log(`\n${verdictTable(record.verdicts)}\n`);
  for (const line of [...record.notes, ...verdictLines(record.verdicts)]) console.log(line);
}

function write(record: PeersRecord, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const put = (name: string, text: string) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    console.log(`wrote ${file}`);
  };
  put('collectives.json', recordText(record));
  report([path.join(folder, 'collectives.json')], path.join(folder, 'report.html'));
  console.log(`wrote ${path.join(folder, 'report.html')}`);
  put('table.txt', `${resultTable(record.samples)}\n`);
  put('verdicts.md', `${verdictTable(record.verdicts)}\n`);
  const results = fold(record.samples);
  for (const ranks of new Set(results.map((result) => result.ranks))) {
    put(`collectives-np${ranks}.svg`, drawChart(results, ranks));
  }
}

/** Verdicts are formed anew: targets and sums may have changed since. */
function readRecord(file: string): PeersRecord {
  const record = JSON.parse(readFileSync(file, 'utf8')) as PeersRecord;
  return { ...record, verdicts: judge(record.samples, record.machine.cores) };
}

function defaultFolder({ time }: PeersRecord): string {
  return path.join(peersFolder, 'results', time.replaceAll(/[-:]|\.\d+/g, ''));
}
