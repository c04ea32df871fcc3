/** Steps by gradients that are reduced meanwhile, and by gradients that were reduced before: weights of both, and what TensorFlow ran. */
import type * as tfjs from '@tensorflow/tfjs';
import { Worker } from 'node:worker_threads';
import * as ring from '../../lib/index.js';
import { openBackend } from '../helpers/backends.js';
import { operationsRan } from '../helpers/operations-ran.js';
import { acceleratedOptimizers } from './optimizers.js';
import { caught, report } from './report.js';

const [task = 'compare'] = process.argv.slice(2);
const tf = await openBackend('tensorflow');
ring.accelerate();
await ring.init();

const ran = operationsRan(tf);
const optimizers = acceleratedOptimizers(tf);

// Larger and smaller than the pieces that gradients come in.
const shapes = [[700, 300], [5], [], [0, 2], [3, 4099]];
const model = () =>
  tf.tidy(() => shapes.map((shape, i) => tf.variable(tf.randomNormal(shape, 0, 1, 'float32', i + 1))));
const lossOf = (variables: tfjs.Variable[], step: number) => () => {
  const data = shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', 100 * step + 10 * ring.rank() + i + 1));
  return tf.addN(variables.map((variable, i) => variable.square().mul(data[i]!).sum())) as tfjs.Scalar;
};
const bitsOf = (variables: tfjs.Variable[]) =>
  variables.map((variable) => Buffer.from(variable.dataSync<'float32'>().slice().buffer).toString('base64')).join();

const namesOfOurs = () => [...ran].flatMap((name) => /^Tsring(.*)/.exec(name)?.[1] ?? []).sort();

/** Three steps of a distributed optimizer. */
function trained(
  make: () => tfjs.Optimizer,
  options: ring.DistributedOptimizerOptions,
  step: (
    optimizer: InstanceType<typeof ring.DistributedOptimizer>,
    f: () => tfjs.Scalar,
    variables: tfjs.Variable[],
  ) => void,
) {
  const before = tf.memory().numTensors;
  const variables = model();
  const optimizer = new ring.DistributedOptimizer(make(), { overlap: false, ...options });
  ran.clear();
  for (let at = 0; at < 3; at++) step(optimizer, lossOf(variables, at), variables);
  const told = { bits: bitsOf(variables), ran: namesOfOurs() };
  tf.dispose(variables);
  optimizer.dispose();
  return { ...told, left: tf.memory().numTensors - before };
}

const minimized = (make: () => tfjs.Optimizer, options: ring.DistributedOptimizerOptions = {}) =>
  trained(make, options, (optimizer, f, variables) => optimizer.minimize(f, false, variables));

const synchronized = (make: () => tfjs.Optimizer) =>
  trained(make, {}, (optimizer, f, variables) => {
    tf.tidy(() => {
      const { grads } = optimizer.computeGradients(f, variables);
      const reduced = optimizer.synchronize(grads);
      optimizer.skipSynchronize(() => optimizer.applyGradients(reduced));
    });
  });

// Ranks decide each for itself: with two threads TensorFlow makes the step afterwards, and faster.
if (ring.rank() === 2) process.env['TF_NUM_INTRAOP_THREADS'] = '2';

if (task === 'compare') {
  const told = Object.entries(optimizers).map(([name, make]) => {
    const [meanwhile, after] = [minimized(make), synchronized(make)];
    const { bits, ran, left } = meanwhile;
    return [name, { same: bits === after.bits, bits: bits.length, ran, left: left - after.left }];
  });
  const sgd = optimizers['sgd']!;
  const otherwise = {
    clipped: minimized(sgd, { clipNorm: 1 }).ran,
    narrowed: minimized(sgd, { compression: 'bf16' }).ran,
    predivided: minimized(sgd, { gradientPredivideFactor: 2 }).ran,
    'with a gradient that is null': trained(sgd, {}, (optimizer, f, variables) => {
      const unused = tf.variable(tf.scalar(1));
      tf.tidy(() => {
        const { grads } = optimizer.computeGradients(f, variables);
        const named = [...Object.entries(grads).map(([name, tensor]) => ({ name, tensor }))];
        optimizer.applyGradients([...named, { name: unused.name, tensor: null as unknown as tfjs.Tensor }]);
      });
      unused.dispose();
    }).ran,
  };
  const digest = minimized(optimizers['momentum']!).bits;
  const digests = await ring.allgatherObject(digest);
  report({ optimizers: Object.fromEntries(told) as object, otherwise, sameOnAllRanks: new Set(digests).size === 1 });
  await ring.shutdown();
} else {
  // Rank 1 is lost at the start of a step, or in the middle of it; then tsrun asks rank 0 to end.
  process.on('SIGTERM', () => undefined);
  const variables = [tf.tidy(() => tf.variable(tf.ones([1000, 5000])))];
  const optimizer = new ring.DistributedOptimizer(tf.train.momentum(0.05, 0.9), { overlap: false });
  const step = () => tf.tidy(() => void optimizer.minimize(() => variables[0]!.square().sum(), false, variables));
  step();
  const slots = (optimizer as unknown as { accumulations: { variable: tfjs.Variable }[] }).accumulations;
  const look = () => [variables, slots.map(({ variable }) => variable)].map(([kept]) => kept!.dataSync().slice());
  const tensors = tf.memory().numTensors;
  if (ring.rank() === 1) new Worker('setTimeout(() => process.kill(process.pid, "SIGKILL"), 60)', { eval: true });
  let before = look();
  const error = await caught(() => {
    for (;;) {
      before = look();
      step();
    }
  });
  const [weights, state] = look().map((now, i) =>
    Buffer.from(now.buffer).equals(Buffer.from(before[i]!.buffer)) ? 'same' : 'other',
  );
  report({ error, weights, state, left: tf.memory().numTensors - tensors });
}
