import assert from 'node:assert/strict';
import '@tensorflow/tfjs-backend-cpu';
import { gzipSync } from 'node:zlib';
import { example, framed } from '../../bench/input/record-writer.js';
import * as ring from '../../dist/lib/index.js';
import { batchesOf, dataError, inRingOfOne, png, TestFolder } from './files.js';

const numberOf = (value: number) => framed(example({ n: { ints: [value] }, pair: { floats: [value, value + 1] } }));
const features = { xs: { key: 'pair', shape: [2] }, ys: { key: 'n', dtype: 'int32' } } as const;
const options = { batchSize: 4, shuffle: false, features };

describe('data.tfRecord', () => {
  inRingOfOne();

  it('reads numbers and pictures of all files, each once', async () => {
    using folder = new TestFolder();
    for (let file = 0; file < 3; file++)
      folder.write(`part-${file}`, Buffer.concat([0, 1, 2].map((i) => numberOf(3 * file + i))));
    folder.write('_SUCCESS', '');
    const dataset = await ring.data.tfRecord(folder.path, { ...options, shuffle: true });
    assert.deepEqual([dataset.records, dataset.size], [9, 3]);
    const batches = await batchesOf(dataset);
    const ys = batches.flatMap((batch) => batch['ys'] as number[]);
    assert.deepEqual([...ys].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(batches.flatMap((batch) => batch['xs'] as number[][]), ys.map((n) => [n, n + 1])); // prettier-ignore
    dataset.close();

    const picture = png(1, 1, () => [9, 8, 7]);
    const file = folder.write('images', framed(example({ label: { ints: [5] }, image: { bytes: [picture] } })));
    const images = await ring.data.tfRecord(file, {
      batchSize: 1,
      features: { xs: { key: 'image', imageSize: 1 }, ys: { key: 'label' }, none: { key: 'none', missing: -1 } },
    });
    assert.deepEqual(await batchesOf(images), [{ xs: [[[[9, 8, 7]]]], ys: [5], none: [-1] }]);
    images.close();
  });

  it('names file, record and byte of what is broken', async () => {
    using folder = new TestFolder();
    const records = [numberOf(0), numberOf(1), numberOf(2)];
    const bytes = records[0]!.length;
    const changed = (name: string, change: (content: Buffer) => Uint8Array) =>
      folder.write(name, change(Buffer.concat(records)));
    const fails = (file: string, message: RegExp) =>
      assert.rejects(
        ring.data.tfRecord(file, options).then(async (dataset) => {
          try {
            return await batchesOf(dataset);
          } finally {
            dataset.close();
          }
        }),
        dataError('RING_DATA', message),
      );
    const at = `record 1 at byte ${bytes}`;
    await fails(changed('content', (all) => all.fill(1, bytes + 20, bytes + 21)), new RegExp(`content: ${at}: its .* checksum`)); // prettier-ignore
    await fails(changed('length', (all) => all.fill(1, bytes, bytes + 1)), new RegExp(`length: ${at}: its length does not`)); // prettier-ignore
    await fails(changed('cut', (all) => all.subarray(0, 2 * bytes - 3)), new RegExp(`cut: ${at}: it has .* the file was cut off`)); // prettier-ignore
    await fails(
      changed('zipped', (all) => gzipSync(all)),
      /zipped: it is compressed by gzip/,
    );
    await fails(folder.write('text', 'name,age\nEve,3\n'), /text: record 0 at byte 0: .*is this a TFRecord file\?/);
    await fails(folder.write('other', framed(Buffer.from('\x0a\x7fnonsense'))), /it is no tf.train.Example/);
    await fails(folder.write('short', framed(example({ n: { ints: [1] }, pair: { floats: [1] } }))), /feature "pair": it has 1 numbers, and shape \[2\] takes 2/); // prettier-ignore
    await fails(folder.write('lacks', framed(example({ n: { ints: [1] } }))), /feature "pair": it is missing/);
  });

  it('leaves out what is broken: others take its place, and behind a broken length nothing can be found', async () => {
    using folder = new TestFolder();
    const broken = Buffer.concat([0, 1, 2].map(numberOf));
    broken.fill(1, 20, 21);
    broken.fill(1, 2 * (broken.length / 3), 2 * (broken.length / 3) + 1);
    const file = folder.write('broken', broken);
    const warn = console.warn;
    console.warn = () => undefined;
    try {
      const dataset = await ring.data.tfRecord(file, { ...options, onError: 'skip' });
      assert.deepEqual([dataset.records, dataset.skipped], [2, 1]);
      assert.deepEqual((await batchesOf(dataset)).map((batch) => batch['ys']), [[1, 1]]); // prettier-ignore
      assert.equal(dataset.skipped, 2);
      dataset.close();
    } finally {
      console.warn = warn;
    }
  });
});
