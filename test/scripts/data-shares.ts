// What this rank reads of the files in a folder, in several ways. Leaves a run early, with threads that still read.
import path from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import type * as tf from '@tensorflow/tfjs-core';
import * as ring from '../../dist/lib/index.js';
import { report } from './report.js';

const [folder = ''] = process.argv.slice(2);
await ring.init();
const features = { xs: { key: 'n' } };
const records = path.join(folder, 'records');
const open = (more: object) => ring.data.tfRecord(records, { batchSize: 2, features, ...more });
const rows = await ring.data.csv(path.join(folder, 'rows'), { batchSize: 3 });
const plain = await open({});
const result = {
  plain: await readAll(plain),
  next: await readAll(plain),
  uneven: await readAll(await open({ uneven: true })),
  files: await readAll(await open({ shardBy: 'files' })),
  allOfFiles: await readAll(await open({ shardBy: 'files', uneven: true })),
  rows: await readAll(rows),
};
report(result);
for await (const batch of rows) {
  batch.xs.dispose();
  break;
}
const left = (await plain.iterator()).next(); // nobody waits for it any more
left.catch(() => undefined);
await ring.shutdown();

async function readAll(dataset: AsyncIterable<{ readonly [name: string]: tf.Tensor }>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { xs } of dataset) {
    numbers.push(...xs!.dataSync());
    xs!.dispose();
  }
  return numbers;
}
