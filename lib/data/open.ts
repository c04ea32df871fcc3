import type * as tf from '@tensorflow/tfjs-core';
import { allreduceSync } from '../collectives.js';
import { sessionOf } from '../process-set.js';
import type { Place } from '../training/own-shard.js';
import { within } from '../training/within.js';
import { RankDataset } from './dataset.js';
import { type DataOptions, type DataPlan, dataPlan } from './options.js';
import type { Share, Source } from './source.js';
import { WorkerPool } from './worker-pool.js';

export interface Opening {
  readonly pool: WorkerPool;
  readonly plan: DataPlan;
  readonly place: Place;
}

export interface Opened {
  readonly source: Source;
  readonly classNames?: readonly string[];
  /** What could not even be found; with `onError: 'skip'`. */
  readonly skipped?: readonly string[];
}

/**
 * What all readers do to begin: threads, this rank's place, and the dataset over what `open` finds.
 *
 * @param ownFiles - each rank has files of its own, so that ranks must agree on how many records to take
 */
export async function openDataset<T extends tf.TensorContainer>(
  where: string,
  options: DataOptions & { map?: (batch: never) => T },
  ownFiles: boolean,
  open: (opening: Opening) => Promise<Opened>,
): Promise<RankDataset<T>> {
  const place = (): Place => sessionOf(where, options.processSet).config;
  const opening = { plan: dataPlan(options), place: place() };
  const pool = new WorkerPool(where, opening.plan.workers, opening.plan.timeoutMs);
  try {
    const leave = pool.enter();
    const { source, classNames = [], skipped = [] } = await pool.wait(open({ ...opening, pool }));
    leave();
    const most = ownFiles && !opening.plan.uneven ? fewest(where, source.records, options) : undefined;
    const share = (): Share => ({
      uneven: opening.plan.uneven || ownFiles,
      place: ownFiles ? { rank: 0, size: 1 } : place(),
      ...(most === undefined ? {} : { most }),
    });
    const map = options.map as ((batch: { [name: string]: tf.Tensor }) => T) | undefined;
    const dataset = new RankDataset<T>({ where, plan: opening.plan, pool, source, share, map, classNames });
    dataset.tell(skipped);
    return dataset;
  } catch (error) {
    pool.close();
    throw error;
  }
}

/** The records of the rank that has fewest. */
function fewest(where: string, records: number, options: DataOptions): number {
  return allreduceSync(Int32Array.of(records), { name: where, op: 'min', ...within(options) })[0]!;
}
