import assert from 'node:assert/strict';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { parquetWriteBuffer } from 'hyparquet-writer';
import * as ring from '../../dist/lib/index.js';
import { batchesOf, dataError, inRingOfOne, TestFolder } from './files.js';

describe('data.csv and data.parquet', () => {
  inRingOfOne();

  it('read columns as numbers, with categories and what is put in place of empty cells', async () => {
    using folder = new TestFolder();
    const file = folder.write('a.csv', 'id;city;"the ""size""";ok\r\n1;Paris;2.5;1\r\n\r\n2;"Bo;nn";;0\r\n');
    const dataset = await ring.data.csv(file, {
      ...{ batchSize: 5, shuffle: false, delimiter: ';', ys: 'ok', missing: -1 },
      categories: { city: ['Bo;nn', 'Paris'] },
    });
    assert.deepEqual(await batchesOf(dataset), [{ xs: [[1, 1, 2.5], [2, 0, -1]], ys: [[1], [0]] }]); // prettier-ignore
    dataset.close();
    const mapped = await ring.data.csv(file, {
      ...{ batchSize: 1, delimiter: ';', xs: ['id'], ys: 'ok', shuffle: false, smallLastBatch: false },
      map: ({ xs, ys }) => ({ sum: tf.add(xs, ys) }),
    });
    assert.deepEqual(await batchesOf(mapped), [{ sum: [[2]] }, { sum: [[2]] }]);
    mapped.close();
  });

  it('read many files and row groups: every row once an epoch, shuffled across parts', async () => {
    using folder = new TestFolder();
    for (let file = 0; file < 3; file++) {
      const ids = Array.from({ length: 40 }, (_, i) => 40 * file + i);
      folder.write(`csv/${file}.csv`, `id\n${ids.join('\n')}\n`);
      const columns = [
        { name: 'id', data: ids, type: 'INT32' as const },
        { name: 'pair', data: ids.map((id) => [id, 2 * id]), type: 'JSON' as const },
      ];
      const content = parquetWriteBuffer({ columnData: columns, rowGroupSize: 8 });
      folder.write(`parquet/${file}.parquet`, new Uint8Array(content));
    }
    const csv = await ring.data.csv(folder.file('csv'), { batchSize: 16 });
    const parquet = await ring.data.parquet(folder.file('parquet'), { batchSize: 16, xs: 'pair', ys: 'id' });
    for (const [dataset, name] of [
      [csv, 'xs'],
      [parquet, 'ys'],
    ] as const) {
      // prettier-ignore
      assert.deepEqual([dataset.records, dataset.size], [120, 8]);
      const epochs = [await batchesOf(dataset), await batchesOf(dataset)].map((batches) =>
        batches.flatMap((batch) => (batch[name] as number[][]).map(([id]) => id!)),
      );
      for (const epoch of epochs) assert.deepEqual([...epoch].sort((a, b) => a - b), [...Array(120).keys()]); // prettier-ignore
      assert.notDeepEqual(epochs[0], epochs[1]);
      assert.ok(new Set(epochs[0]!.slice(0, 16).map((id) => Math.floor(id / 8))).size > 1);
    }
    const [first] = await batchesOf(parquet);
    for (const [i, pair] of (first!.xs as number[][]).entries()) assert.deepEqual(pair, [(first!.ys as number[][])[i]![0], 2 * pair[0]!]); // prettier-ignore
    csv.close();
    parquet.close();
  });

  it('name file, line and column of what is no number; or leave the row out', async () => {
    using folder = new TestFolder();
    const file = folder.write('a.csv', 'x,y\n1,2\n3,many\n5\n7,8\n');
    const options = { batchSize: 4, ys: 'y', shuffle: false };
    const dataset = await ring.data.csv(file, options);
    await assert.rejects(batchesOf(dataset), dataError('RING_DATA', /a.csv: line 3, column "y": "many" is no number/));
    dataset.close();
    const warn = console.warn;
    console.warn = () => undefined;
    try {
      const lenient = await ring.data.csv(file, { ...options, onError: 'skip' });
      assert.deepEqual(await batchesOf(lenient), [{ xs: [[1], [7], [7], [7]], ys: [[2], [8], [8], [8]] }]);
      assert.equal(lenient.skipped, 2);
      lenient.close();
    } finally {
      console.warn = warn;
    }
    await assert.rejects(ring.data.csv(file, { batchSize: 1, ys: 'z' }), dataError('RING_INVALID_ARGUMENT', /no column "z"; there are x, y/)); // prettier-ignore
    const other = folder.write('b.csv', 'x,z\n1,2\n');
    await assert.rejects(ring.data.csv([file, other], { batchSize: 1 }), dataError('RING_DATA', /b.csv: its columns are x, z/)); // prettier-ignore
    const text = folder.write('c.parquet', 'x,z\n1,2\n');
    await assert.rejects(ring.data.parquet(text, { batchSize: 1 }), dataError('RING_DATA', /c.parquet: /));
  });
});
