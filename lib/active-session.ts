import type { Config } from './config.js';
import { RingError } from './errors.js';
import type { NativeSession } from './native/binding.js';
import type { Place } from './places.js';
import type { ProcessSet } from './process-set.js';
import type { Autotuner } from './tuning/autotuner.js';

/** What the operations need of a ring: the job's, or that of a process set. */
export interface ActiveSession {
  /** `rank` and `size` are those in this ring: of a process set, the place in `ranks` and their number. */
  readonly config: Config;
  readonly native: NativeSession;
  /** The ring's ranks by their numbers in the job, ascending. */
  readonly ranks: readonly number[];
  /** Where these ranks run. */
  readonly places: readonly Place[];
  /** How many rings of the job this thread was in before. */
  readonly generation: number;
  /** The job's process sets: what this rank needs of those that it is in, undefined for others. Empty in a set's own session. */
  readonly sets: Map<ProcessSet, ActiveSession | undefined>;
  /** The job's, where there is something to tune. */
  readonly autotuner?: Autotuner | undefined;
  /** The name of an unnamed call: the same on every rank that makes the same unnamed calls in the same order. */
  nextName(kind: string): string;
}

export type Phase =
  | { readonly at: 'before' | 'after' }
  | { readonly at: 'starting'; readonly started: Promise<unknown> }
  | { readonly at: 'running'; readonly session: ActiveSession }
  | { readonly at: 'stopping'; readonly stopped: Promise<void> };

let current: Phase = { at: 'before' };

/** Where this thread is between init and shutdown. */
export function phase(): Phase {
  return current;
}

/** For init and shutdown. */
export function enter(next: Phase): void {
  current = next;
}

/** @throws {RingError} `RING_NOT_INITIALIZED` before init has finished, `RING_SHUT_DOWN` once shutdown has begun */
export function activeSession(): ActiveSession {
  if (current.at === 'running') return current.session;
  if (current.at === 'stopping' || current.at === 'after') {
    throw new RingError('RING_SHUT_DOWN', 'the ring was left with shutdown; call init to join another one');
  }
  const early = current.at === 'starting' ? 'init has not finished' : 'init was not called';
  throw new RingError('RING_NOT_INITIALIZED', `${early}; call \`await init()\` first`);
}

/** Numbers unnamed calls by their kind. */
export function namesInOrder(): (kind: string) => string {
  const calls = new Map<string, number>();
  return (kind) => {
    const call = calls.get(kind) ?? 0;
    calls.set(kind, call + 1);
    return `${kind}.${call}`;
  };
}
