import { parentPort, workerData } from 'node:worker_threads';
import * as ring from '../../lib/index.js';
import { caught } from './report.js';

await ring.init();
const own = Int32Array.of(ring.rank() + 1);
switch (workerData) {
  case 'whole':
  case 'no shutdown': {
    const blocking = ring.allreduceSync(Int32Array.of(3))[0]!;
    const promised = (await ring.allreduce(Int32Array.of(3)))[0]!;
    parentPort!.postMessage(blocking + promised);
    if (workerData === 'whole') await ring.shutdown();
    break;
  }
  case 'rank':
    parentPort!.postMessage(ring.allreduceSync(own, { op: 'sum' })[0]);
    parentPort!.postMessage((await caught(() => ring.allreduce(own, { name: `only of rank ${ring.rank()}` }))).code);
    break;
}
