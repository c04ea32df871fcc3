import * as tf from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { caught } from './report.js';

/** Every call of the API that needs a ring. Tensors and typed arrays go different ways. */
function calls(): Record<string, () => unknown> {
  const array = Float32Array.of(1, 2, 3);
  const four = Float32Array.of(1, 2, 3, 4);
  const tensor = tf.tensor1d([1, 2, 3]);
  const variable = tf.variable(tf.tensor1d([1]));
  const optimizer = new ring.DistributedOptimizer(tf.train.sgd(0.1));
  return {
    rank: () => ring.rank(),
    size: () => ring.size(),
    localRank: () => ring.localRank(),
    localSize: () => ring.localSize(),
    crossRank: () => ring.crossRank(),
    crossSize: () => ring.crossSize(),
    allreduce: () => ring.allreduce(array),
    allreduceSync: () => ring.allreduceSync(array),
    'allreduce of a tensor': () => ring.allreduce(tensor),
    'allreduceSync of a tensor': () => ring.allreduceSync(tensor),
    groupedAllreduce: () => ring.groupedAllreduce([array]),
    groupedAllreduceSync: () => ring.groupedAllreduceSync([array, Int32Array.of(1)]),
    allgather: () => ring.allgather(array),
    allgatherSync: () => ring.allgatherSync(array),
    broadcast: () => ring.broadcast(array),
    broadcastSync: () => ring.broadcastSync(array),
    'broadcastSync of a tensor': () => ring.broadcastSync(tensor),
    groupedAllgather: () => ring.groupedAllgather([array]),
    groupedAllgatherSync: () => ring.groupedAllgatherSync([array]),
    'broadcast in place': () => ring.broadcast(array, 0, { inPlace: true }),
    reducescatter: () => ring.reducescatter(array),
    reducescatterSync: () => ring.reducescatterSync(array),
    'reducescatterSync of a tensor': () => ring.reducescatterSync(tensor),
    groupedReducescatter: () => ring.groupedReducescatter([array]),
    groupedReducescatterSync: () => ring.groupedReducescatterSync([array]),
    alltoall: () => ring.alltoall(four),
    alltoallSync: () => ring.alltoallSync(four),
    'allreduce that scales': () => ring.allreduce(array, { prescaleFactor: 2 }),
    'allreduceSync by Adasum': () => ring.allreduceSync(array, { op: 'adasum' }),
    'waiting for an allreduce': () => ring.allreduce(array).wait(),
    barrier: () => ring.barrier(),
    barrierSync: () => ring.barrierSync(),
    processSets: () => ring.processSets(),
    'size of the global set': () => ring.globalProcessSet.size(),
    'rank in the global set': () => ring.globalProcessSet.rank(),
    broadcastObjectSync: () => ring.broadcastObjectSync('x'),
    allgatherObjectSync: () => ring.allgatherObjectSync('x'),
    join: () => ring.join(),
    joinSync: () => ring.joinSync(),
    addProcessSet: () => ring.addProcessSet([0]),
    broadcastWeights: () => ring.broadcastWeights([variable]),
    'a step of DistributedOptimizer': () =>
      optimizer.minimize(() => tf.sum<tf.Scalar>(tf.square(variable)), false, [variable]),
  };
}

/** Makes every call, one after another: the code each failed with. */
export async function codesOfEveryCall(): Promise<Record<string, string>> {
  await tf.setBackend('cpu');
  const codes: Record<string, string> = {};
  for (const [name, call] of Object.entries(calls())) codes[name] = (await caught(call)).code;
  return codes;
}
