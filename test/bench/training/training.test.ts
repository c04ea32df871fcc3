import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { foldSamples } from '../../../bench/training/figures.js';
import { parseTrainingOptions } from '../../../bench/training/options.js';
import { report } from '../../../bench/training/report.js';
import { parseSample, rankLine, type Sample, sampleLine, type Told } from '../../../bench/training/sample.js';
import { skipWithoutTensorflow } from '../../helpers/backends.js';

const told: Told = {
  ...{ model: 'vgg19', ranks: 1, batch: 2, imageSize: 64, threads: 1, parameters: 7 },
  ...{ steps: [100, 90, 110], localSteps: [], peakBytes: 5, tensorflow: '2.20.0', loss: 1 },
};
const one: Sample = { ...told, system: 'tsring', network: 'host', round: 0, peakBytesOfRanks: [5] };
const two: Sample = { ...one, ranks: 2, steps: [125, 120, 130], localSteps: [100, 90, 120] };

describe('bench:training', () => {
  it('folds rounds, and relates systems and numbers of ranks', () => {
    const other = { ...two, system: 'other', steps: [250, 250, 250] };
    const figures = foldSamples([one, two, { ...two, round: 1, steps: [145, 150, 140] }, other]);
    assert.deepEqual(figures.map(({ system, ranks }) => [system, ranks]), [['tsring', 1], ['tsring', 2], ['other', 2]]); // prettier-ignore
    const [single, pair, slow] = figures as [(typeof figures)[0], (typeof figures)[0], (typeof figures)[0]];
    assert.deepEqual([single.stepMs, single.imagesPerSecond, single.efficiency], [100, 20, undefined]);
    assert.deepEqual([pair.stepMs, pair.leastMs, pair.largestMs, pair.rounds], [135, 125, 145, 2]);
    assert.equal(pair.efficiency, pair.imagesPerSecond / 40);
    assert.equal(pair.communication, (1 - 100 / 125 + 1 - 90 / 120) / 2);
    assert.equal(slow.ratio, 135 / 250);
  });

  it('relates what was measured across hosts to the same network, and to one rank on this machine', () => {
    const far = { ...two, network: '1000 Mbit/s', steps: [200, 200, 200], localSteps: [100, 100, 100] };
    const slow = { ...far, system: 'other', steps: [400, 400, 400], inputSteps: [4, 8, 40], peakBytesOfRanks: [3, 9] };
    const [, , ours, other] = foldSamples([one, two, far, slow]) as Required<ReturnType<typeof foldSamples>[0]>[];
    assert.deepEqual([ours!.network, ours!.efficiency, ours!.ratio, ours!.input], ['1000 Mbit/s', 0.5, 1, undefined]);
    assert.deepEqual([other!.ratio, other!.input, other!.leastPeakBytes, other!.peakBytes], [0.5, 0.02, 3, 9]);
    const lines = report([ours!, other!], ['a note']).split('\n');
    assert.match(lines[1]!, /^1000 Mbit\/s +vgg19 +2 +tsring /);
    assert.match(lines[2]!, /0\.50 .* 2\.0 % /);
    assert.equal(lines[3], '# a note');
  });

  it('reads a sample back, whatever a launcher puts before it or another rank behind it', () => {
    const lines = [rankLine(1, 7), `[1,0]<stdout>:${sampleLine(told)}`, `[1,0]<stdout>:${rankLine(0, 5)}`];
    assert.deepEqual(parseSample(`noise\n${lines.join('\n')}\n`), { ...told, peakBytesOfRanks: [5, 7] });
    assert.deepEqual(parseSample(lines.join('')), { ...told, peakBytesOfRanks: [5, 7] }, 'ends of lines come later');
    assert.equal(parseSample('noise\n'), undefined);
    assert.equal(parseSample(sampleLine(told).slice(0, -1)), undefined, 'not all of it is there');
  });

  it('says what is wrong with its arguments', () => {
    for (const args of [
      ['--workloads', 'vgg19:1:64'],
      ['--workloads', 'vgg20:1:64:1'],
      ['--systems', 'tensorflow'],
      ['--np', '0'],
      ['--networks', 'fast'],
    ])
      // prettier-ignore
      assert.equal(parseTrainingOptions(args).exit?.code, 1, args.join(' '));
  });

  it('measures one step of Inception v1 on two ranks', function () {
    this.timeout(180_000);
    skipWithoutTensorflow(this);
    const folder = mkdtempSync(path.join(tmpdir(), 'tsring-training-'));
    try {
      const main = fileURLToPath(new URL('../../../dist/bench/training/main.js', import.meta.url));
      const small = ['--np', '2', '--workloads', 'inception_v1:1:64:1', '--rounds', '1', '--warmup', '1'];
      const flags = ['--systems', 'tsring,tsring-images,tsring-ps', '--out', folder];
      execFileSync(process.execPath, [main, ...small, ...flags], { stdio: 'pipe', timeout: 150_000 });
      const text = readFileSync(path.join(folder, 'training.json'), 'utf8');
      const { samples, notes } = JSON.parse(text) as { samples: Sample[]; notes: string[] };
      assert.deepEqual(notes, []);
      assert.deepEqual(samples.map(({ system }) => system), ['tsring', 'tsring-images', 'tsring-ps']); // prettier-ignore
      assert.deepEqual(samples.map(({ inputSteps }) => inputSteps?.length), [undefined, 1, undefined]); // prettier-ignore
      for (const { steps, localSteps, parameters, peakBytesOfRanks } of samples) {
        assert.equal(peakBytesOfRanks.length, 2);
        assert.deepEqual([steps.length, localSteps.length, parameters], [1, 1, 6_998_552]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
