import { epochOrder, epochSeed } from '../training/shuffle.js';
import { batchCount, type EpochPlan, shareLength, type Source } from './source.js';
import type { Columns } from './tasks.js';

/**
 * Records that are read one by one, wherever they are: a rank takes every size-th of the epoch's order, as `ring.shard` does.
 *
 * @param read - begins to read a batch of records, by their numbers; the seeds are of these records in this epoch
 */
export function recordSource(
  records: number,
  read: (records: readonly number[], seeds: readonly number[], skip: boolean) => Promise<Columns>,
): Source {
  return {
    records,
    *batches(plan: EpochPlan) {
      const { place } = plan.share;
      const order = epochOrder(records, plan);
      const length = shareLength(records, plan.share);
      const ofEpoch = epochSeed(plan);
      for (let batch = 0; batch < batchCount(length, plan); batch++) {
        const own: number[] = [];
        const end = Math.min(length, (batch + 1) * plan.batchSize);
        for (let turn = batch * plan.batchSize; turn < end; turn++) own.push(order[turn * place.size + place.rank]!);
        yield read(own, own.map((record) => mixed(ofEpoch, record)), plan.skip); // prettier-ignore
      }
    },
  };
}

/** A number of 32 bits from two, so that neighbours have nothing in common. (The last step of murmur3.) */
function mixed(seed: number, record: number): number {
  let bits = Math.imul(seed, 0x85ebca6b) ^ Math.imul(record + 1, 0xc2b2ae35);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
