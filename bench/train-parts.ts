import * as ring from '../lib/index.js';
import type { RecordOf } from '../lib/report/records.js';
import { mean } from './statistics.js';
import { compressions } from './train-options.js';

/** Of one rank, in seconds, a value for each step. */
interface OwnTimes {
  /** In operations. */
  readonly blocked: readonly number[];
  readonly input: readonly number[];
}

/** Where the steps of all ranks went. All ranks call this. */
export async function partsOfSteps(own: OwnTimes): Promise<NonNullable<RecordOf<'train'>['parts']>> {
  const all = await ring.allgatherObject(own, { name: 'parts' });
  const ofAll = (of: (one: OwnTimes) => readonly number[], fold: (values: number[]) => number) =>
    own.blocked.map((_, step) => fold(all.map((one) => of(one)[step]!)));
  // The rank that was blocked least came last, and so waited for no other.
  const communication = ofAll((one) => one.blocked, (values) => Math.min(...values)); // prettier-ignore
  const blocked = ofAll((one) => one.blocked, mean);
  return {
    communication,
    waiting: blocked.map((seconds, step) => seconds - communication[step]!),
    input: ofAll((one) => one.input, (values) => Math.max(...values)), // prettier-ignore
  };
}

const sizes = [2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24];
const rounds = 9;

/**
 * What this ring takes for some sizes, in each form that gradients may travel in: the shortest of several rounds, as what disturbs them would be
 * taken for the form's. `tsrun advise` reckons with that. All ranks call this; it blocks.
 */
export function timeAllreduces(): { compression: string; bytes: number; seconds: number }[] {
  return sizes.flatMap((bytes) => {
    const values = new Float32Array(bytes / 4);
    const shortest = compressions.map(() => Infinity);
    for (let round = 0; round < rounds; round++) {
      compressions.forEach((compression, i) => {
        ring.barrierSync({ name: 'round' });
        const start = performance.now();
        ring.allreduceSync(values, { name: 'timed', op: 'sum', inPlace: true, compression });
        const own = Float64Array.of((performance.now() - start) / 1e3);
        shortest[i] = Math.min(shortest[i]!, ring.allreduceSync(own, { name: 'slowest', op: 'max' })[0]!);
      });
    }
    return compressions.map((compression, i) => ({ compression, bytes, seconds: shortest[i]! }));
  });
}
