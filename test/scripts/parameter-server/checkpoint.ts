// Ranks train by several optimizers, with sync. Arguments: folder, and `save` or `restore`. With save they make six steps, and write a checkpoint
// after the third; with restore they begin with that, and make three. Both report the weights.
import path from 'node:path';
import type { Optimizer, Scalar } from '@tensorflow/tfjs';
import * as ring from '../../../dist/lib/index.js';
import { openBackend } from '../../helpers/backends.js';
import { caught, report } from '../report.js';

const [folder = '', mode] = process.argv.slice(2);
const tf = await openBackend('cpu');
await ring.init();

const makers = {
  sgd: () => tf.train.sgd(0.1),
  adam: () => tf.train.adam(0.1),
  rmsprop: () => tf.train.rmsprop(0.1, 0.9, 0.5),
};
const results: Record<string, { weights: number[]; iterations: number }> = {};
for (const [name, make] of Object.entries(makers)) {
  const file = path.join(folder, name);
  const v = tf.variable(mode === 'save' ? tf.linspace(-1, 1, 5) : tf.zeros([5]), true, `${name}/v`);
  const w = tf.variable(tf.scalar(mode === 'save' ? 2 : 0), true, `${name}/w`);
  const optimizer = new ring.ParameterServerOptimizer(make(), { sync: true });
  if (mode === 'restore') await optimizer.restoreCheckpoint(file);
  const loss = (step: number) => () => tf.sum<Scalar>(tf.square(v.mul(w).sub(step + ring.rank())));
  for (let step = mode === 'save' ? 0 : 3; step < 6; step++) {
    tf.tidy(() => void optimizer.minimize(loss(step), false, [v, w]));
    if (mode === 'save' && step === 2) await optimizer.saveCheckpoint(file);
  }
  results[name] = { weights: [...v.dataSync(), ...w.dataSync()], iterations: optimizer.iterations };
}

const errors: string[] = [];
if (mode === 'restore') {
  const u = tf.variable(tf.zeros([6]), true, 'u');
  const take = async (make: () => Optimizer, file: string) => {
    const optimizer = new ring.ParameterServerOptimizer(make());
    await optimizer.restoreCheckpoint(path.join(folder, file));
    if (ring.rank() === 0) tf.tidy(() => void optimizer.minimize(() => tf.sum<Scalar>(u), false, [u]));
  };
  for (const attempt of [take(makers.sgd, 'sgd'), take(makers.sgd, 'adam')])
    errors.push(await caught(() => attempt).then(({ code, message }) => `${code} ${message}`));
  // Adamax trains; tfjs has no way to its state.
  const optimizer = new ring.ParameterServerOptimizer(tf.train.adamax(0.1));
  tf.tidy(() => void optimizer.minimize(() => tf.sum<Scalar>(u), false, [u]));
  const { code, message } = await caught(() => optimizer.saveCheckpoint(path.join(folder, 'adamax')));
  errors.push(`${code} ${message}`);
  tf.tidy(() => void optimizer.minimize(() => tf.sum<Scalar>(u), false, [u]));
}
report({ results, errors });
