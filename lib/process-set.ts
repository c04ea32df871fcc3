import { activeSession, type ActiveSession } from './active-session.js';
import { RingError } from './errors.js';

/**
 * Some of the job's ranks, which do operations among themselves (option `processSet` of every operation) while the others go on.
 * Given to `init` or `addProcessSet` by all ranks of the job; the same set may be given to a later ring again.
 */
export class ProcessSet {
  /** The ranks by their numbers in the job, ascending. */
  readonly ranks: readonly number[];

  /**
   * @param ranks - one or more ranks of the job, each once, in any order
   * @throws {RingError} `RING_INVALID_ARGUMENT`
   */
  constructor(ranks: readonly number[]) {
    this.ranks = checkedRanks(ranks);
  }

  /** Number of ranks. */
  size(): number {
    return this.ranks.length;
  }

  /** Whether this process belongs to it. @throws {RingError} `RING_NOT_INITIALIZED` or `RING_SHUT_DOWN` */
  included(): boolean {
    return this.ranks.includes(activeSession().config.rank);
  }

  /**
   * This process's number in the set, 0 to size - 1.
   *
   * @throws {RingError} `RING_INVALID_ARGUMENT` on a rank outside; `RING_NOT_INITIALIZED` or `RING_SHUT_DOWN`
   */
  rank(): number {
    if (!this.included()) throw outside('rank', this);
    return this.ranks.indexOf(activeSession().config.rank);
  }
}

/** All ranks of the job: what operations go over that name no set. */
class GlobalProcessSet extends ProcessSet {
  constructor() {
    super([0]);
    // The ring is not known yet, and may be another one later.
    Object.defineProperty(this, 'ranks', { get: () => activeSession().ranks, enumerable: true });
  }
}

/** The set of all ranks. */
export const globalProcessSet: ProcessSet = new GlobalProcessSet();

/** The sets of the present ring: the global one, then those given to `init` or to `addProcessSet`, in that order. */
export function processSets(): ProcessSet[] {
  return [globalProcessSet, ...activeSession().sets.keys()];
}

/**
 * The session that an operation goes over.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT`: no process set, not one of this ring, or this rank is outside; as `activeSession`
 */
export function sessionOf(where: string, set: ProcessSet | undefined): ActiveSession {
  const session = activeSession();
  if (set === undefined || set === globalProcessSet) return session;
  if (!(set instanceof ProcessSet)) throw invalid(`${where}: processSet is not a ProcessSet`);
  if (!session.sets.has(set)) {
    throw invalid(
      `${where}: the process set of ${list(set)} is not part of this ring; give it to init or addProcessSet first`,
    );
  }
  const own = session.sets.get(set);
  if (own === undefined) throw outside(where, set);
  return own;
}

function checkedRanks(ranks: unknown): readonly number[] {
  const where = 'ProcessSet';
  if (!Array.isArray(ranks) || ranks.length === 0) throw invalid(`${where}: give an array of one or more ranks`);
  const wrong: unknown = ranks.find((rank) => !Number.isInteger(rank) || rank < 0);
  if (wrong !== undefined) throw invalid(`${where}: ${JSON.stringify(wrong)} is not a rank; a whole number from 0`);
  const sorted = [...(ranks as number[])].sort((a, b) => a - b);
  const twice = sorted.find((rank, index) => rank === sorted[index - 1]);
  if (twice !== undefined) throw invalid(`${where}: rank ${twice} is given twice`);
  return Object.freeze(sorted);
}

function outside(where: string, set: ProcessSet): RingError {
  return invalid(
    `${where}: this is rank ${activeSession().config.rank}, and the process set has ${list(set)}; ask set.included() first`,
  );
}

function list({ ranks }: ProcessSet): string {
  return `${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.join(', ')}`;
}

function invalid(message: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', message);
}
