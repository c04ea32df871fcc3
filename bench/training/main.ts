import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { report as writeReport } from '../../lib/report/main.js';
import { cacheFolder } from '../../lib/setup/cache.js';
import { recordText } from '../json-line.js';
import { describeCommit, describeMachine } from '../machine.js';
import { runProcesses } from '../peers/run-processes.js';
import { textTable } from '../text-table.js';
import { type Figures, foldSamples } from './figures.js';
import { parseTrainingOptions, type TrainingOptions } from './options.js';
import { preparePython } from './python.js';
import { parseSample, type Sample } from './sample.js';
import { type Start, type System, systems } from './systems.js';

// What `npm run bench:training` runs: every system trains every model once in each round, so that all meet the same machine.

const { options, exit } = parseTrainingOptions(process.argv.slice(2));
if (exit) {
  (exit.code === 0 ? console.log : console.error)(exit.text);
  process.exitCode = exit.code;
} else {
  process.exitCode = await main(options);
}

async function main(chosen: TrainingOptions): Promise<number> {
  const notes: string[] = [];
  const note = (text: string) => {
    notes.push(text);
    console.error(`# ${text}`);
  };
  const { running, python } = await choose(chosen, note);
  // The same for all, so that more ranks mean more work and not fewer threads.
  const threads = chosen.threads ?? Math.max(1, Math.floor(availableParallelism() / Math.max(...chosen.np)));
  const samples: Sample[] = [];
  for (let round = 0; round < chosen.rounds; round++) {
    for (const workload of chosen.workloads) {
      for (const ranks of chosen.np) {
        for (const system of running) {
          if (system.onlyAlone && ranks > 1) continue;
          const sample = await measure(
            system,
            { workload: { ...workload, warmup: chosen.warmup }, ranks, threads, python },
            chosen.timeout,
          );
          if (typeof sample === 'string') note(`${system.name}, ${workload.model}, np ${ranks}: ${sample}`);
          else {
            samples.push({ ...sample, system: system.name, round });
            console.error(progressLine(samples.at(-1)!));
          }
        }
      }
    }
  }
  if (samples.length === 0) {
    console.error('nothing was measured');
    return 1;
  }
  const figures = foldSamples(samples);
  const text = report(figures, notes);
  console.log(text);
  const time = new Date().toISOString();
  const folder = chosen.out ?? path.join(cacheFolder(), 'training', time.replaceAll(/[:.]/g, '-'));
  mkdirSync(folder, { recursive: true });
  const record = {
    benchmark: 'training' as const,
    time,
    commit: describeCommit(),
    machine: describeMachine(),
    figures,
    samples,
    notes,
  };
  writeFileSync(path.join(folder, 'training.json'), recordText(record, 1));
  writeReport([path.join(folder, 'training.json')], path.join(folder, 'report.html'));
  writeFileSync(path.join(folder, 'training.txt'), `${text}\n`);
  console.error(`results: ${folder}`);
  return 0;
}

async function choose(chosen: TrainingOptions, note: (text: string) => void) {
  const wanted = systems.filter(({ name, peer }) => chosen.systems?.includes(name) ?? (!peer || chosen.peers === true));
  if (!wanted.some(({ peer }) => peer)) return { running: wanted, python: '' };
  try {
    return { running: wanted, python: await preparePython(chosen.tensorflow, chosen.install) };
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    note(`left out ${wanted.filter(({ peer }) => peer).map(({ name }) => name).join(', ')}: ${reason}`); // prettier-ignore
    return { running: wanted.filter(({ peer }) => !peer), python: '' };
  }
}

/** A string is why there is no sample. */
async function measure(system: System, start: Start, timeout: number) {
  const commands = await system.commands(start);
  const { output, failure } = await runProcesses(commands, {
    timeoutMs: timeout * 1000,
    signal: new AbortController().signal,
    isComplete: (text) => parseSample(text) !== undefined,
  });
  return parseSample(output) ?? failure ?? 'it told nothing';
}

function progressLine(sample: Sample): string {
  const [{ stepMs, communication }] = foldSamples([sample]) as [Figures];
  return `round ${sample.round}  ${sample.model}  np ${sample.ranks}  ${sample.system}  ${stepMs.toFixed(0)} ms  ${percent(communication)}`;
}

function report(figures: readonly Figures[], notes: readonly string[]): string {
  const mega = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  const table = textTable<Figures>([
    { title: 'model', value: ({ model }) => model, width: 12, align: 'left' },
    { title: 'np', value: ({ ranks }) => `${ranks}`, width: 2 },
    { title: 'system', value: ({ system }) => system, width: 18, align: 'left' },
    { title: 'TensorFlow', value: ({ tensorflow }) => tensorflow, width: 10 },
    { title: 'threads', value: ({ threads }) => `${threads}`, width: 7 },
    { title: 'batch', value: ({ batch }) => `${batch}`, width: 5 },
    { title: 'pixels', value: ({ imageSize }) => `${imageSize}`, width: 6 },
    { title: 'step ms', value: ({ stepMs }) => stepMs.toFixed(0), width: 7 },
    { title: 'rounds', value: ({ leastMs, largestMs }) => `${leastMs.toFixed(0)}-${largestMs.toFixed(0)}`, width: 11 },
    { title: 'images/s', value: ({ imagesPerSecond }) => imagesPerSecond.toFixed(2), width: 8 },
    { title: 'over tsring', value: ({ ratio }) => ratio?.toFixed(2) ?? '', width: 11 },
    { title: 'communication', value: ({ communication }) => percent(communication), width: 13 },
    { title: 'efficiency', value: ({ efficiency }) => efficiency?.toFixed(2) ?? '', width: 10 },
    { title: 'peak MB', value: ({ peakBytes }) => mega(peakBytes), width: 7 },
  ]);
  const order = (one: Figures) => [one.model, one.imageSize, one.ranks] as const;
  const sorted = [...figures].sort((a, b) => {
    const [x, y] = [order(a), order(b)];
    return x[0].localeCompare(y[0]) || x[1] - y[1] || x[2] - y[2];
  });
  return [table.header, ...sorted.map(table.row), ...notes.map((text) => `# ${text}`)].join('\n');
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(1)} %`;
}
