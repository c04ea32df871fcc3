// Ranks train a small net on handwritten digits, once with each compression, and report how good each became.
import type { Scalar } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { readDigits, shardOf, tensors } from '../../examples/mnist/digits.js';
import { tf } from '../../examples/backend.js';
import { report } from './report.js';

await ring.init();
const { train, test } = readDigits();
const [images, labels] = tensors(shardOf(train, ring.rank(), 2 * ring.size()));
const [testImages, testLabels] = tensors(test);

async function trained(
  compression: NonNullable<ring.ReduceGradientsOptions['compression']>,
): Promise<{ accuracy: number; loss: number; weights: number }> {
  const dense = (units: number, seed: number, activation: 'relu' | 'softmax', more = {}) =>
    tf.layers.dense({ units, activation, kernelInitializer: tf.initializers.glorotUniform({ seed }), ...more });
  const model = tf.sequential({ layers: [dense(32, 1, 'relu', { inputShape: [784] }), dense(10, 2, 'softmax')] });
  const options = { compression, overlap: true, firstBucketBytes: 2000, bucketBytes: 50_000 };
  const optimizer = new ring.DistributedOptimizer(tf.train.momentum(0.05, 0.9), options);
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  await model.fit(images, labels, { batchSize: 50, epochs: 3, shuffle: false });
  const [loss, accuracy] = (model.evaluate(testImages, testLabels) as Scalar[]).map((value) => value.dataSync()[0]!);
  const sums = model.getWeights().map((weight) => Array.from(weight.dataSync()).reduce((sum, x) => sum + x, 0));
  return { accuracy: accuracy!, loss: loss!, weights: sums.reduce((sum, x) => sum + x, 0) };
}

const compressions: Record<string, NonNullable<ring.ReduceGradientsOptions['compression']>> = {
  ...{ none: 'none', fp16: 'fp16', bf16: 'bf16', int8: 'int8', int8Fed: ring.compressors.int8() },
  ...{ topK: ring.compressors.topK({ ratio: 0.05 }), powerSgd: ring.compressors.powerSgd({ rank: 2 }) },
};
const results: Record<string, unknown> = {};
for (const [name, compression] of Object.entries(compressions)) results[name] = await trained(compression);
report(results);
await ring.shutdown();
