// What two ranks with the same numbers get as their average: those numbers as they travelled.
import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { report } from './report.js';

await tf.setBackend('cpu');
await ring.init();
const numbers = Float32Array.of(1 / 3, 1000 / 3);
const average = (compression: ring.Compression) => Array.from(ring.allreduceSync(numbers, { compression }));
// Of 300 numbers the last 44 have a scale of their own.
const many = Float32Array.from({ length: 300 }, (_, i) => (i < 256 ? 127 : 0.5));
const both = {
  fp16: average('fp16'),
  bf16: average('bf16'),
  int8: [...new Set(ring.allreduceSync(many, { compression: 'int8' }))],
  int8Tensors: ring
    .groupedAllreduceSync([tf.tensor1d([127, 2.4]), tf.scalar(0.25)], { compression: 'int8', op: 'sum' })
    .map((tensor) => Array.from(tensor.dataSync())),
  tensor: Array.from((await ring.allreduce(tf.tensor1d(numbers), { compression: 'bf16' })).dataSync()),
  whole: Array.from(ring.allreduceSync(Int32Array.of(16_777_217), { compression: 'fp16', op: 'sum' })),
};
// Rank 1 has joined, and stands in with zeros.
const alone =
  ring.rank() === 0
    ? Array.from(ring.allreduceSync(Float32Array.of(1, 2), { name: 'alone', compression: 'fp16', op: 'sum' }))
    : [1, 2];
await ring.join();
report({ ...both, alone });
await ring.shutdown();
