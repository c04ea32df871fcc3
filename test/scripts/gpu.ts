// What a rank does on the fake driver and the fake NCCL. Argument: `operations`, `refused`, `until-lost` or `killed`.
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

const [how] = process.argv.slice(2);
await ring.init();
if (how === 'operations') report(await operations());
else report(await failure());
await ring.shutdown();

async function operations(): Promise<Record<string, unknown>> {
  const rank = ring.rank();
  const results: Record<string, unknown> = {};
  const keep = (name: string, buffer: ring.DeviceBuffer) =>
    (results[name] = Array.from(buffer.toArray() as Float32Array));
  const given = () => ring.DeviceBuffer.from(Float32Array.of(rank + 1, 2, -rank));
  for (const op of ['sum', 'average', 'min', 'max', 'product'] as const)
    keep(op, await ring.allreduce(given(), { op }));
  keep('sync', ring.allreduceSync(given(), { op: 'sum', prescaleFactor: 2, postscaleFactor: 0.5 }));
  const inPlace = given();
  const same = await ring.allreduce(inPlace, { op: 'sum', inPlace: true });
  keep('inPlace', inPlace);
  results['inPlaceSame'] = same.address === inPlace.address;
  keep('compressed', await ring.allreduce(given(), { op: 'sum', compression: 'bf16' }));
  const half = ring.DeviceBuffer.from(Uint16Array.of(0x3c00, 0x4000), 'float16'); // 1 and 2
  keep('half', await ring.allreduce(half, { op: 'sum' }));
  const group = await ring.groupedAllreduce([given(), ring.DeviceBuffer.from(Float32Array.of(rank))], { op: 'sum' });
  results['grouped'] = group.map((buffer) => Array.from(buffer.toArray() as Float32Array));
  keep('integers', await ring.allreduce(ring.DeviceBuffer.from(Int32Array.of(7, rank)), { op: 'sum' }));
  keep('broadcast', await ring.broadcast(given(), 2));
  keep('gathered', await ring.allgather(ring.DeviceBuffer.from(new Float32Array(rank).fill(rank))));
  keep('scattered', await ring.reducescatter(ring.DeviceBuffer.from(Float32Array.of(1, 2, 3, 4)), { op: 'sum' }));
  const exchanged = await ring.alltoall(ring.DeviceBuffer.from(Float32Array.of(rank, rank + 10, rank + 20)));
  keep('exchanged', exchanged.value);
  const borrowed = ring.DeviceBuffer.import({ address: inPlace.address + 4n, dtype: 'float32', length: 2 });
  borrowed.copyFrom(Float32Array.of(rank), 1);
  await ring.allreduce(borrowed, { op: 'max', inPlace: true });
  keep('imported', inPlace);
  const set = new ring.ProcessSet([0, 2]);
  await ring.addProcessSet(set);
  if (set.included()) keep('set', await ring.allreduce(given(), { op: 'sum', processSet: set }));
  results['mixed'] = await Promise.all(Array.from({ length: 12 }, (_, i) => mixed(i, set)));
  const mismatch = await caught(() =>
    ring.allreduce(rank === 0 ? Float32Array.of(1) : ring.DeviceBuffer.from(Float32Array.of(1)), { name: 'mismatch' }),
  );
  results['mismatch'] = mismatch.message;
  results['int16'] = (await caught(() => ring.allreduce(ring.DeviceBuffer.from(Int16Array.of(1))))).code;
  const gone = given();
  gone.dispose();
  results['disposed'] = (await caught(() => ring.allreduceSync(gone))).message;
  keep('after', await ring.allreduce(given(), { op: 'sum' }));
  return results;
}

/** One of several operations that are asked for at once. */
async function mixed(i: number, set: ring.ProcessSet): Promise<number[]> {
  const value = ring.DeviceBuffer.from(Float32Array.of(ring.rank() + i, i));
  const ways = [
    () => ring.allreduce(value, { op: 'sum', prescaleFactor: 2, postscaleFactor: 0.5 }),
    () => ring.broadcast(value, 1),
    () => ring.allgather(value),
    () => (set.included() ? ring.allreduce(value, { op: 'sum', processSet: set }) : value),
  ];
  return Array.from((await ways[i % ways.length]!()).toArray() as Float32Array);
}

async function failure(): Promise<unknown> {
  const error = await caught(async () => {
    const values = Array.from({ length: 3 }, () => ring.DeviceBuffer.from(new Float32Array(40_000)));
    for (let step = 0; how !== 'refused' || step === 0; step++) {
      if (how === 'killed' && ring.rank() === 1 && step === 5) process.kill(process.pid, 'SIGKILL');
      await Promise.all(values.map((value, i) => ring.allreduce(value, { name: `step ${step}, value ${i}` })));
    }
  });
  const later = await caught(() => ring.allreduce(Float32Array.of(1), { name: 'later' }));
  return { ...error, later: later.code };
}
