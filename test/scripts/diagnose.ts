// Ranks that do not do the same, in the way that the first argument says.
import * as tf from '@tensorflow/tfjs';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

process.on('SIGTERM', () => undefined); // the other ranks tell of the failure too
const [what = '', folder = ''] = process.argv.slice(2);
await ring.init();
const rank = ring.rank();
const values = Float32Array.of(1, 2, 3);

const programs: Record<string, () => Promise<unknown>> = {
  async 'late, blocking'() {
    await late();
    return ring.allreduceSync(values, { name: 'late', op: 'sum' })[0];
  },
  async 'late, promise'() {
    await late();
    return (await ring.allreduce(values, { name: 'late', op: 'sum' }))[0];
  },
  async 'never, blocking'() {
    ring.barrierSync({ name: 'all are here' });
    return caught(() => (rank === 1 ? delay(1500) : ring.allreduceSync(values, { name: 'never' })));
  },
  async 'never, promise'() {
    ring.barrierSync({ name: 'all are here' });
    return caught(() => (rank === 1 ? delay(1500) : ring.allreduce(values, { name: 'never' })));
  },
  async 'another order'() {
    const names = rank === 1 ? ['b', 'a'] : ['a', 'b'];
    return caught(() => names.map((name) => ring.allreduceSync(values, { name })));
  },
  async 'another shape'() {
    ring.allreduceSync(values, { name: 'same' });
    return caught(() => ring.allreduceSync(rank === 1 ? Float32Array.of(1) : values, { name: 'shape' }));
  },
  // Rank 0 has joined. The others go on, with a call that is refused for that, and then do not do the same.
  async 'with a joined rank'() {
    ring.allreduceSync(values, { name: 'together' });
    if (rank === 0) return caught(() => ring.join());
    await ring.barrier({ name: 'rank 0 has joined' });
    await caught(() => ring.allreduce(values, { name: 'refused', op: 'max' }));
    await ring.allgather(values, { name: 'rows' });
    await ring.allreduce(values, { name: 'without rank 0', op: 'sum' });
    return caught(() => (rank === 1 ? delay(1500) : ring.allreduce(values, { name: 'never' })));
  },
  // The JavaScript of ranks 0 and 2 stands still when they get the signal.
  async 'dump on a signal'() {
    const pids = ring.allgatherSync(Int32Array.of(process.pid), { name: 'pids' });
    if (rank === 1) {
      await delay(300);
      pids.forEach((pid) => process.kill(pid, 'SIGUSR2'));
      while (pids.some((_, of) => !existsSync(`${folder}/flight-${of}.json`))) await delay(20);
    }
    return ring.allreduceSync(values, { name: 'awaited', op: 'sum' })[0];
  },
  async 'monitored barrier'() {
    ring.monitoredBarrierSync({ timeoutMs: 5000 });
    const error = await caught(() =>
      rank === 0 ? ring.monitoredBarrier({ timeoutMs: 300, name: 'met?' }) : rank === 3 ? meet() : delay(700),
    );
    return { ...error, after: ring.allreduceSync(values, { op: 'sum' })[0] };
  },
  async 'not finite'() {
    const bad = rank === 1 ? Float32Array.of(1, NaN, 3) : values;
    const blocking = await caught(() => ring.allreduceSync(bad, { name: 'gradient' }));
    const promise = await caught(() => ring.allreduce(bad, { name: 'gradient' }));
    const largest = ring.allreduceSync(Float32Array.of(Infinity), { op: 'max' })[0] === Infinity;
    await tf.setBackend('cpu');
    const kernel = tf.variable(tf.tensor1d([1, 2]), true, 'dense/kernel');
    const bias = tf.variable(tf.tensor1d([1]), true, 'dense/bias');
    const optimizer = new ring.DistributedOptimizer(tf.train.sgd(0.1));
    const loss = () => tf.sum<tf.Scalar>(tf.add(tf.sum(tf.square(kernel)), tf.mul(bias, rank === 2 ? Infinity : 1)));
    const step = await caught(() => optimizer.minimize(loss, false, [kernel, bias]));
    return { blocking, promise, step, largest, after: ring.allreduceSync(values, { op: 'sum' })[0] };
  },
};

async function late(): Promise<void> {
  ring.barrierSync({ name: 'all are here' });
  if (rank === 1) await delay(900);
}

function meet(): void {
  ring.monitoredBarrierSync({ timeoutMs: 60_000, name: 'met?' });
}

report(await programs[what]!());
await ring.shutdown();
