// Operations of every kind of way, for a timeline; with a file as argument, some of them between start and stop.
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

const [file] = process.argv.slice(2);
await ring.init({ processSets: [new ring.ProcessSet([0, 1])] });
const [, pair] = ring.processSets();
const large = new Float32Array(300_000);
ring.allreduceSync(Float32Array.of(1), { name: 'before' });
const part = file === undefined ? undefined : ring.startTimeline(file);
const twice = file === undefined ? undefined : await caught(() => ring.startTimeline(file));
ring.allreduceSync(Float32Array.of(1), { name: 'small' });
ring.allreduceSync(large, { name: 'large' });
await Promise.all([
  ring.groupedAllreduce([Float32Array.of(1), large], { name: 'group' }),
  ring.allgather(large, { name: 'rows' }),
  ...(pair!.included() ? [ring.allreduce(large, { name: 'of the pair', processSet: pair! })] : []),
]);
if (file !== undefined) await ring.stopTimeline();
await ring.allreduce(Float32Array.of(1), { name: 'after' });
report({ part, twice: twice?.code });
await ring.shutdown();
