// Ranks train a net of several buckets with overlap, without, and as ranks with one and with many processors do unless told, and report the weights,
// and how many buckets were started during backward. Arguments: backend, and `without tape` for a tfjs that does not look as expected.
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { activeSession } from '../../lib/active-session.js';
import type { Place } from '../../lib/places.js';
import { bridge } from '../../lib/tensors/bridge.js';
import { openBackend } from '../helpers/backends.js';
import { report } from './report.js';

const [backend = 'cpu', tape = ''] = process.argv.slice(2);
const tf = await openBackend(backend);
await ring.init();
let duringBackward = 0;
const tapes = tf.engine().state as { activeTape?: object[] | null };
const own = bridge();
const start = own.start.bind(own);
own.start = (...args) => {
  // A tape is there from the begin of the forward pass to the end of backward.
  if (tapes.activeTape) duringBackward += 1;
  return start(...args);
};

/** Three layers, of which the middle one is used twice and the last has an L2 penalty on its kernel: used twice, too. */
function buildModel() {
  const input = tf.input({ shape: [6] });
  const dense = (units: number, seed: number, more = {}) =>
    tf.layers.dense({ units, activation: 'tanh', kernelInitializer: tf.initializers.glorotUniform({ seed }), ...more });
  const shared = dense(8, 2);
  const first = dense(8, 1).apply(input);
  const hidden = shared.apply(shared.apply(dense(8, 3).apply(first)));
  const last = dense(1, 4, { kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }) }).apply(hidden);
  return tf.model({ inputs: input, outputs: last as never });
}

function loss(truth: Tensor, predicted: Tensor): Scalar {
  if (tape === 'without tape') tapes.activeTape?.push({ id: -1, inputs: {}, outputs: 'unknown', saved: [] });
  return tf.losses.meanSquaredError(truth, predicted);
}

async function trained(overlap: boolean | undefined, loop: string): Promise<number[][]> {
  const model = buildModel();
  const inner = tf.train.momentum(0.05, 0.9);
  const options = { ...(overlap !== undefined && { overlap }), firstBucketBytes: 64, bucketBytes: 300 };
  const rows = Array.from({ length: 4 * 5 }, (_, row) =>
    Array.from({ length: 6 }, (_, i) => Math.sin(row * 7 + i + 100 * ring.rank())),
  );
  const [xs, ys] = [tf.tensor2d(rows), tf.tensor2d(rows.map(([a = 0, b = 0]) => [a * b]))];
  if (loop === 'fit') {
    model.compile({ optimizer: new ring.DistributedOptimizer(inner, options), loss });
    await model.fit(xs, ys, { batchSize: 4, epochs: 1, shuffle: false });
  } else {
    const variables = model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
    const optimizer = loop === 'minimize' ? new ring.DistributedOptimizer(inner, options) : undefined;
    for (let step = 0; step < 5; step++) {
      tf.tidy(() => {
        const ownLoss = () =>
          model
            .calculateLosses()
            .reduce<Scalar>(
              (sum, penalty) => sum.add(penalty),
              loss(ys.slice(4 * step, 4), model.apply(xs.slice(4 * step, 4), { training: true }) as Tensor),
            );
        if (optimizer !== undefined) optimizer.minimize(ownLoss);
        else inner.applyGradients(ring.distributedGradients(ownLoss, variables, options).grads as never);
      });
    }
  }
  const weights = model.getWeights().map((weight) => Array.from(weight.dataSync()));
  model.dispose();
  tf.dispose([xs, ys]);
  return weights;
}

const results: Record<string, { weights: number[][]; early: number }> = {};
// `minimize` is given no variables: this one is not among those that it finds.
const unused = tf.variable(tf.scalar(1));
const session = activeSession() as { places: readonly Place[] };
const ways: [name: string, overlap: boolean | undefined, processors?: number][] = [
  ['with', true, 1],
  ['without', false, 2],
  ['with spare processors', undefined, 2],
  ['with one processor', undefined, 1],
];
for (const loop of ['fit', 'custom', 'minimize'])
  for (const [name, overlap, processors = 0] of ways) {
    session.places = session.places.map((place) => ({ ...place, processors }));
    duringBackward = 0;
    const weights = await trained(overlap, loop);
    results[`${loop} ${name}`] = { weights, early: duringBackward };
  }

report({ results, unused: unused.dataSync()[0] });
await ring.shutdown();
