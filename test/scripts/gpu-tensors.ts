// What a rank does with tensors of a TensorFlow that computes on a GPU. Argument: `real`, or `fakes`, where one that computes on the CPU
// is taken for it and main memory for the GPU's, but on the ranks that are listed after it.
import * as tf from '@tensorflow/tfjs-core';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { caught, report } from './report.js';

const [how, ...cpuRanks] = process.argv.slice(2);
const { layers, initializers, sequential, train } = await openBackend('tensorflow');
await ring.init();
const rank = ring.rank();
const isCpu = cpuRanks.includes(String(rank));
if (how === 'fakes') Object.assign(tf.backend(), { isUsingGpuDevice: !isCpu });
report({ ...(await operations()), weights: await trained() });
await ring.shutdown();

async function operations(): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {};
  const count = 10_000;
  /** The first and the last of a result's numbers, and whether all between go up by `step`. */
  const keep = (name: string, tensor: tf.Tensor, step: number) => {
    const values = tensor.dataSync();
    const even = values.every((value, i) => i === 0 || value - values[i - 1]! === step);
    results[name] = [values[0], values.at(-1), even];
    tensor.dispose();
  };
  /** The result for a value that is disposed of while the operation is under way. */
  const reduced = (value: tf.Tensor, options: ring.ReduceOptions) => {
    const handle = ring.allreduce(value, options);
    value.dispose();
    return handle;
  };
  const before = tf.memory().numTensors;
  const own = tf.tidy(() => tf.range(0, count).add(rank));
  keep('sum', await ring.allreduce(own, { op: 'sum' }), ring.size());
  keep('average', ring.allreduceSync(own, { op: 'average' }), 1);
  keep('scaled', ring.allreduceSync(own, { op: 'sum', prescaleFactor: 2, postscaleFactor: 0.5 }), ring.size());
  keep('narrow', await reduced(tf.fill([100], rank), { op: 'sum', compression: 'bf16' }), 0);
  keep('int8', await reduced(tf.fill([100], 127), { op: 'average', compression: 'int8' }), 0);
  keep('integers', await reduced(tf.range(0, 100, 1, 'int32'), { op: 'sum' }), ring.size());
  keep('small', await reduced(tf.tensor1d([rank]), { op: 'max' }), 0);
  keep('broadcast', await ring.broadcast(own, ring.size() - 1), 1);
  const given = [own.clone(), tf.zeros([0, 3]), tf.scalar(rank)];
  const group = await ring.groupedAllreduce(given, { op: 'max' });
  results['group'] = [group[0]!.dataSync()[0], group[1]!.shape, group[2]!.dataSync()[0]];
  tf.dispose([...given, ...group]);
  // Several under way, whose results are computed with.
  const handles = [1, 2].map((factor) => reduced(own.mul(factor), { op: 'sum' }));
  for (const [i, handle] of handles.entries()) {
    const sum = await handle;
    keep(`later ${i}`, sum.add(1), ring.size() * (i + 1));
    sum.dispose();
  }
  const mismatch = await caught(() => reduced(tf.zeros([100 + rank]), { op: 'sum', name: 'mismatch' }));
  results['mismatch'] = mismatch.code;
  own.dispose();
  const random = () => tf.randomNormal([count], 0, 1, 'float32', rank);
  results['digest'] = tf.tidy(() => ring.allreduceSync(random()).sum().dataSync()[0]);
  results['kept'] = tf.memory().numTensors - before;
  results['memory'] = ring.tensorMemory();
  return results;
}

/** The sum of a net's weights after some steps, each rank on data of its own. */
async function trained(): Promise<number> {
  const kernelInitializer = initializers.glorotUniform({ seed: rank });
  const model = sequential({
    layers: [
      layers.dense({ inputShape: [20], units: 10, activation: 'tanh', kernelInitializer }),
      layers.dense({ units: 1, kernelInitializer }),
    ],
  });
  await ring.broadcastWeights(model);
  model.compile({ optimizer: new ring.DistributedOptimizer(train.sgd(0.1)), loss: 'meanSquaredError' });
  const inputs = tf.randomUniform([32, 20], -1, 1, 'float32', 10 + rank);
  await model.fit(inputs, inputs.slice([0, 0], [32, 1]), { batchSize: 8, epochs: 3, shuffle: false });
  return tf.tidy(() => tf.addN(model.getWeights().map((weight) => weight.sum())).dataSync()[0]!);
}
