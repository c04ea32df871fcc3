import assert from 'node:assert/strict';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as ring from '../../dist/lib/index.js';
import { batchesOf, dataError, inRingOfOne, jpeg, png, TestFolder } from './files.js';

type Rgb = readonly [number, number, number];
const plain = (...color: Rgb) => () => color; // prettier-ignore

describe('data.imageFolder', () => {
  inRingOfOne();

  it('gives pictures and the numbers of their folders, all once an epoch and in another order in each', async () => {
    using folder = new TestFolder();
    for (let i = 0; i < 5; i++) {
      folder.write(`cats/${i}.png`, png(12, 9, plain(10 * i, 0, 0)));
      folder.write(`dogs/below/${i}.jpg`, jpeg(16, 16, plain(0, 0, 100 + 20 * i)));
    }
    folder.write('dogs/notes.txt', 'no picture');
    folder.write('README', 'no class');
    const dataset = await ring.data.imageFolder(folder.path, { batchSize: 4, imageSize: 6, onError: 'skip' });
    assert.throws(() => ring.shard(dataset), dataError('RING_INVALID_ARGUMENT', /share already/));
    assert.deepEqual([dataset.classNames, dataset.records, dataset.size], [['cats', 'dogs'], 10, 3]);
    const before = tf.memory().numTensors;
    const epochs = [await batchesOf(dataset), await batchesOf(dataset)];
    assert.equal(tf.memory().numTensors, before);
    const colours = epochs.map((batches) =>
      batches.flatMap(({ xs, ys }) =>
        (xs as Rgb[][][]).map((picture, i) => {
          assert.equal((ys as number[])[i], picture[0]![0]![2] > 0 ? 1 : 0);
          assert.deepEqual([picture.length, picture[0]!.length], [6, 6]);
          return picture[0]![0]!.map((value) => Math.round(value / 10) * 10).join();
        }),
      ),
    );
    const all = [0, 10, 20, 30, 40].flatMap((red) => [`${red},0,0`, `0,0,${100 + 2 * red}`]).sort();
    for (const epoch of colours) assert.deepEqual([...epoch].sort(), all);
    assert.notDeepEqual(colours[0], colours[1]);
    assert.equal(dataset.skipped, 0);
    dataset.setEpoch(0);
    const again = await batchesOf(dataset);
    assert.deepEqual(again, epochs[0]);
    dataset.close();
  });

  it('crops, mirrors, normalizes and takes the colours out', async () => {
    using folder = new TestFolder();
    // Columns of 10, 20 ... 80; the rows are alike.
    folder.write(
      'only/wide.png',
      png(8, 4, (x) => [10 * (x + 1), 10 * (x + 1), 10 * (x + 1)]),
    );
    const options = { batchSize: 1, imageSize: [4, 4] as const, shuffle: false };
    const rowOf = async (more: Partial<ring.data.ImageFolderOptions>) => {
      const dataset = await ring.data.imageFolder(folder.path, { ...options, channels: 1, ...more });
      const [batch] = await batchesOf(dataset);
      dataset.close();
      return (batch!.xs as number[][][][])[0]![0]!.map(([value]) => Math.round(1e4 * value!) / 1e4);
    };
    assert.deepEqual(await rowOf({}), [30, 40, 50, 60]);
    assert.deepEqual(await rowOf({ normalize: { mean: 0, std: 1 } }), [30, 40, 50, 60].map((value) => Math.round((1e4 * value) / 255) / 1e4)); // prettier-ignore
    // Every other column, with a quarter of its neighbours': of the edges the outer ones are missing.
    const squeezed = await rowOf({ crop: 'none' });
    assert.deepEqual(squeezed.slice(1, 3), [35, 55]);
    const flips = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((seed) => rowOf({ flip: true, seed })));
    assert.deepEqual(new Set(flips.map(String)), new Set(['30,40,50,60', '60,50,40,30']));
    const random = await rowOf({ crop: 'random', seed: 3 });
    assert.ok(random.every((value, i) => value >= 10 && value <= 80 && (i === 0 || value >= random[i - 1]!)), String(random)); // prettier-ignore
    assert.deepEqual(await rowOf({ crop: 'random', seed: 3 }), random);
  });

  it('names a broken picture; or leaves it out, says so once, and counts', async () => {
    using folder = new TestFolder();
    const whole = jpeg(40, 40, (x, y) => [x, y, 0]);
    for (let i = 0; i < 4; i++) folder.write(`a/${i}.jpg`, whole);
    folder.write('a/cut.jpg', whole.subarray(0, whole.length / 2));
    folder.write('a/text.png', 'no picture at all');
    const options = { batchSize: 3, imageSize: 8, shuffle: false };
    const strict = await ring.data.imageFolder(folder.path, options);
    await assert.rejects(batchesOf(strict), dataError('RING_DATA', /data.imageFolder: .*cut.jpg: the JPEG ends after/));
    strict.close();
    const lenient = await ring.data.imageFolder(folder.path, { ...options, onError: 'skip' });
    const said: unknown[] = [];
    const warn = console.warn;
    console.warn = (text: unknown) => said.push(text);
    try {
      const batches = await batchesOf(lenient);
      assert.deepEqual(batches.map(({ ys }) => (ys as number[]).length), [3, 3]); // prettier-ignore
    } finally {
      console.warn = warn;
      lenient.close();
    }
    assert.equal(lenient.skipped, 2);
    assert.equal(said.length, 1);
    assert.match(String(said[0]), /leaves out .*cut.jpg/);
  });

  it('says what is wrong with its arguments', async () => {
    using folder = new TestFolder();
    const options = { batchSize: 2, imageSize: 8 };
    const open = (more: object, where = folder.path) => ring.data.imageFolder(where, { ...options, ...more });
    await assert.rejects(open({}), dataError('RING_INVALID_ARGUMENT', /no pictures in folders of/));
    await assert.rejects(open({}, folder.file('none')), dataError('RING_INVALID_ARGUMENT', /none: ENOENT/));
    await assert.rejects(open({ batchSize: 0 }), dataError('RING_INVALID_ARGUMENT', /option batchSize/));
    await assert.rejects(open({ batchsize: 1 }), dataError('RING_INVALID_ARGUMENT', /batchsize/));
    await assert.rejects(
      open({ normalize: { mean: [0, 0], std: 1 } }),
      dataError('RING_INVALID_ARGUMENT', /normalize.mean is \[0, 0\]; 3 numbers/),
    );
  });
});
