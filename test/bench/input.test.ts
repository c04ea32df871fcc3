import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { comparisonLines } from '../../bench/input/comparison.js';
import { findData } from '../../bench/input/find-data.js';
import { makeImages } from '../../bench/input/make-images.js';
import { TestFolder } from '../data/files.js';
import { tsrun } from '../helpers/tsrun.js';

const trainScript = fileURLToPath(new URL('../../dist/bench/train.js', import.meta.url));

describe('bench with images from files', () => {
  for (const format of ['imagenet', 'folders'] as const) {
    it(`train.ts reads ${format}, goes on with the next epoch, and tells what input took`, async () => {
      using folder = new TestFolder();
      const images = folder.file('images');
      await makeImages(images, { images: 10, classes: 3, format });
      const json = folder.file('runs.jsonl');
      const small = '--model embedded --backend cpu --image_size 8 --num_classes 10 --batch_size 2';
      const steps = '--num_batches 4 --num_warmup_batches 1 --datasets_num_private_threads 1';
      const args = [...small.split(' '), ...steps.split(' '), '--data_dir', images, '--json', json];
      const { ranks } = await tsrun({ np: 2, script: trainScript, args, timeoutMs: 55_000 });
      const lines = ranks[0]!.stdout;
      assert.ok(lines.includes(`Dataset:     ${format === 'imagenet' ? 'imagenet' : images}`), lines.join('\n'));
      assert.match(lines.at(-1)!, /^input: \d+\.\d ms of \d+\.\d ms a step \(\d+\.\d %\)$/);
      const record = JSON.parse(readFileSync(json, 'utf8')) as { inputSeconds: number[]; stepSeconds: number[] };
      assert.equal(record.inputSeconds.length, 4);
      assert.ok(record.inputSeconds.every((seconds, i) => seconds <= record.stepSeconds[i]!));
    });
  }

  it('finds what a folder holds, in it or in its folder train, and says what it does not hold', () => {
    using folder = new TestFolder();
    assert.throws(() => findData(folder.path, undefined), /no TFRecord files train-\*, and no folder for each class/);
    mkdirSync(folder.file('train/cats'), { recursive: true });
    mkdirSync(folder.file('validation'));
    assert.deepEqual(findData(folder.path, undefined), { name: 'folders', folder: folder.file('train') });
    writeFileSync(folder.file('train/train-00000-of-00001'), '');
    const files = [folder.file('train/train-00000-of-00001')];
    assert.deepEqual(findData(folder.path, undefined), { name: 'imagenet', files });
    assert.deepEqual(findData(folder.path, 'folders'), { name: 'folders', folder: folder.file('train') });
    assert.throws(() => findData(folder.file('validation'), 'imagenet'), /it has no TFRecord files train-\*$/);
    assert.throws(() => findData(folder.file('none'), undefined), /--data_dir: ENOENT/);
  });

  it('says whether input is the bottleneck', () => {
    const figures = {
      syntheticPerSecond: 10,
      realPerSecond: 9.9,
      readPerSecond: 100,
      inputSeconds: 0.001,
      stepSeconds: 0.4,
    };
    const lines = comparisonLines('title', figures);
    assert.match(lines[2]!, /9\.90 images\/s {2}0\.990 of synthetic/);
    assert.match(lines[3]!, /10\.0 times what training takes/);
    assert.match(lines[4]!, /1\.0 ms of 400\.0 ms for its batch \(0\.3 %\)/);
    assert.equal(lines[5], 'input is not the bottleneck');
    assert.match(comparisonLines('title', { ...figures, realPerSecond: 9 })[5]!, /takes cores from training/);
    assert.match(comparisonLines('title', { ...figures, inputSeconds: 0.04 })[5]!, /^input is the bottleneck/);
  });
});
