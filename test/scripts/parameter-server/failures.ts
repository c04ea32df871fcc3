// What goes wrong on parameter servers, by the first argument: what ranks give that does not fit together, and a rank that vanishes; a rank that does not come, or a process that dies in the
// middle of training, a server or a rank.
import type { Optimizer, Scalar, Variable } from '@tensorflow/tfjs';
import * as ring from '../../../dist/lib/index.js';
import { openBackend } from '../../helpers/backends.js';
import { processesWith } from '../../helpers/processes.js';
import { caught, report } from '../report.js';

const [what] = process.argv.slice(2);
const tf = await openBackend('cpu');
await ring.init();
const first = ring.rank() === 0;
const step = (v: Variable, inner: Optimizer, options: ring.ParameterServerOptions) =>
  caught(() => {
    const optimizer = new ring.ParameterServerOptimizer(inner, options);
    for (let i = 0; i < 2; i++) tf.tidy(() => void optimizer.minimize(() => tf.sum<Scalar>(v), false, [v]));
  });

if (what === 'mismatch') {
  const v = tf.variable(tf.zeros([2]), true, 'v');
  const u = tf.variable(tf.zeros([first ? 2 : 3]), true, 'u');
  const errors = [
    await step(u, tf.train.sgd(1), { sync: true, name: 'shapes' }),
    await step(v, first ? tf.train.sgd(1) : tf.train.adam(1), { sync: true, name: 'classes' }),
    await step(v, tf.train.sgd(1), { sync: first, name: 'sync' }),
    await step(v, tf.train.sgd(1), { maxStaleness: first ? 1 : 2, name: 'staleness' }),
    await step(v, tf.train.sgd(1), { sync: true, name: 'shapes' }),
  ];
  // Rank 1 then ends well, as tsrun sees it, without a word to the servers.
  const optimizer = new ring.ParameterServerOptimizer(tf.train.sgd(1), { sync: true, name: 'vanished' });
  const last = () => tf.tidy(() => void optimizer.minimize(() => tf.sum<Scalar>(v), false, [v]));
  last();
  if (first) errors.push(await caught(last));
  report(errors.map(({ code, message }) => `${code} ${message}`));
  if (!first) (process as unknown as { reallyExit(code: number): never }).reallyExit(0);
} else if (what === 'absent') {
  if (first) report(await step(tf.variable(tf.scalar(0)), tf.train.sgd(1), { sync: true }));
} else {
  const v = tf.variable(tf.zeros([3]), true, 'v');
  const optimizer = new ring.ParameterServerOptimizer(tf.train.sgd(0.1), { sync: true });
  const own = () => tf.tidy(() => void optimizer.minimize(() => tf.sum<Scalar>(tf.square(v)), false, [v]));
  own();
  own();
  if (what === 'rank' && !first) process.kill(process.pid, 'SIGKILL');
  if (what === 'server' && first) process.kill(serverOfThisJob(0), 'SIGKILL');
  for (;;) own();
}

function serverOfThisJob(server: number): number {
  const job = processesWith(`TSRING_JOB_ID=${process.env['TSRING_JOB_ID']}`).map(({ pid }) => pid);
  return processesWith(`TSRING_SERVER=${server}`).find(({ pid }) => job.includes(pid))!.pid;
}
