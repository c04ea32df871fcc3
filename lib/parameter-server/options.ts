import { checkedName, invalid, show } from '../arguments.js';

export interface ParameterServerOptions {
  /**
   * Each step is made with the mean of all workers' gradients, as `DistributedOptimizer` does; every worker waits for the slowest. Default: false,
   * each worker's gradient is a step of its own, made when it comes.
   */
  readonly sync?: boolean;
  /**
   * How many steps a worker may be ahead of the slowest; then it waits. 0: all make their steps side by side. Default: Infinity, nobody waits. It
   * goes with `sync: false`.
   */
  readonly maxStaleness?: number;
  /** The same on all ranks for the same optimizer. Default: numbered in the order in which a rank makes them. */
  readonly name?: string;
}

export interface ParameterServerSettings {
  readonly sync: boolean;
  /** Null: no bound. */
  readonly maxStaleness: number | null;
  readonly name: string;
}

/** @throws {RingError} `RING_INVALID_ARGUMENT` */
export function checkedOptions(where: string, options: ParameterServerOptions): ParameterServerSettings {
  const unknown = Object.keys(options).find((name) => !['sync', 'maxStaleness', 'name'].includes(name));
  if (unknown !== undefined)
    throw invalid(where, `there is no option ${show(unknown)}; it has sync, maxStaleness and name`);
  const { sync = false, maxStaleness = Infinity } = options;
  if (typeof sync !== 'boolean') throw invalid(where, `sync is ${show(sync)}; true or false`);
  const isCount = Number.isSafeInteger(maxStaleness) && maxStaleness >= 0;
  if (!isCount && maxStaleness !== Infinity)
    throw invalid(where, `maxStaleness is ${show(maxStaleness)}; a whole number of steps from 0, or Infinity`);
  if (sync && isCount) throw invalid(where, 'with sync all workers make the same steps; leave maxStaleness out');
  const name = checkedName(where, options.name, () => `optimizer ${made++}`);
  return { sync, maxStaleness: isCount ? maxStaleness : null, name };
}

/** Optimizers without a name that this rank has made. */
let made = 0;
