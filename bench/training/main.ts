import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { report as writeReport } from '../../lib/report/main.js';
import { cacheFolder } from '../../lib/setup/cache.js';
import { recordText } from '../json-line.js';
import { describeCommit, describeMachine } from '../machine.js';
import { makeImages } from '../input/make-images.js';
import { whyNoNetworks } from '../network/network-names.js';
import { foldSamples } from './figures.js';
import { measureAll } from './measure-all.js';
import { parseTrainingOptions, type TrainingOptions } from './options.js';
import { preparePython } from './python.js';
import { report } from './report.js';
import { type System, systems } from './systems.js';
import { refuseUnderTsrun } from '../refuse-under-tsrun.js';

// What `npm run bench:training` runs: every system trains every model once in each round, so that all meet the same machine.

refuseUnderTsrun('bench:training', 'dist/bench/train.js');
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
  const samples = await withImages(running, chosen, (images) =>
    measureAll({ ...chosen, networks: possible(chosen.networks, note) }, running, { threads, python, images }, note),
  );
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
  const wanted = systems.filter(
    ({ name, peer, onlyNamed }) =>
      chosen.systems?.includes(name) ?? (onlyNamed !== true && (!peer || chosen.peers === true)),
  );
  if (!wanted.some(({ peer }) => peer)) return { running: wanted, python: '' };
  try {
    return { running: wanted, python: await preparePython(chosen.tensorflow, chosen.install) };
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    note(`left out ${wanted.filter(({ peer }) => peer).map(({ name }) => name).join(', ')}: ${reason}`); // prettier-ignore
    return { running: wanted.filter(({ peer }) => !peer), python: '' };
  }
}

/** Without emulated hosts, where there cannot be any. */
function possible(wanted: TrainingOptions['networks'], note: (text: string) => void): TrainingOptions['networks'] {
  const unable = wanted.every((network) => network === 'host') ? undefined : whyNoNetworks();
  if (unable === undefined) return wanted;
  note(`left out emulated networks: ${unable}`);
  return wanted.filter((network) => network === 'host');
}

/** Makes images for systems that want them, eight batches for every rank, and removes them. */
async function withImages<T>(
  running: readonly System[],
  { np, workloads }: TrainingOptions,
  body: (folder: string | undefined) => Promise<T>,
): Promise<T> {
  if (!running.some(({ wantsImages }) => wantsImages)) return body(undefined);
  const folder = mkdtempSync(path.join(tmpdir(), 'tsring-images-'));
  try {
    await makeImages(folder, {
      images: Math.max(...np) * Math.max(...workloads.map(({ batch }) => batch)) * 8,
      classes: 8,
      format: 'imagenet',
    });
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
