import { activeSession, enter, namesInOrder, phase, type ActiveSession } from './active-session.js';
import { linkSet } from './change-process-sets.js';
import { readConfig, type ConfigOptions } from './config.js';
import { RingError } from './errors.js';
import { meet } from './meeting.js';
import { autotuneLogOf, autotunerOf, openNative } from './native-session.js';
import { ProcessSet } from './process-set.js';
import { joinRing } from './rendezvous.js';

/** A joined ring. `await using session = await init()` leaves it however the block ends. */
export interface Session extends AsyncDisposable {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly crossRank: number;
  readonly crossSize: number;
  /** How many rings this thread was in before. */
  readonly generation: number;
}

let generation = 0;

/**
 * Joins the ring that `tsrun` started this process for; alone, without tsrun, it is rank 0 of a ring of 1. After a shutdown a new
 * `init` joins a new ring, if all ranks do so.
 *
 * @throws {RingError} `RING_ALREADY_INITIALIZED`; `RING_CONFIG`; `RING_ADDON`; `RING_TIMEOUT` naming the ranks that did not come;
 *   `RING_CONNECT` or `RING_HANDSHAKE` naming the peer; `RING_MISMATCH` where ranks were given other process sets. A failed init leaves nothing open and may be tried again.
 */
export async function init(options: ConfigOptions = {}): Promise<Session> {
  const last = phase();
  if (last.at === 'stopping') await last.stopped;
  const before = phase();
  if (before.at === 'starting' || before.at === 'running') {
    throw new RingError('RING_ALREADY_INITIALIZED', 'init was called before; call shutdown first to join another ring');
  }
  const started = start(options);
  enter({ at: 'starting', started });
  try {
    const session = await started;
    enter({ at: 'running', session });
    return handle(session);
  } catch (error) {
    enter(before);
    throw error;
  }
}

/**
 * Leaves the ring and joins the engine's threads. Operations that wait on this rank fail everywhere, so call it when the work is done.
 * Safe at any time: before init and after a shutdown it does nothing.
 */
export async function shutdown(): Promise<void> {
  const before = phase();
  if (before.at === 'starting') await before.started.catch(() => undefined); // its caller gets the error
  const now = phase();
  if (now.at === 'stopping') return now.stopped;
  if (now.at !== 'running') return;
  const stopped = close(now.session).finally(() => enter({ at: 'after' }));
  enter({ at: 'stopping', stopped });
  await stopped;
}

export function isInitialized(): boolean {
  return phase().at === 'running';
}

/** This process's number in the job, 0 to size - 1. This and the five below throw `RING_NOT_INITIALIZED` or `RING_SHUT_DOWN`. */
export function rank(): number {
  return activeSession().config.rank;
}

/** Number of processes in the job. */
export function size(): number {
  return activeSession().config.size;
}

/** This process's number among those of its host: the one to choose a GPU by. */
export function localRank(): number {
  return activeSession().config.localRank;
}

/** Number of this job's processes on this host. */
export function localSize(): number {
  return activeSession().config.localSize;
}

/** This host's number among the hosts that have a process with this local rank. */
export function crossRank(): number {
  return activeSession().config.crossRank;
}

/** Number of hosts that have a process with this local rank. */
export function crossSize(): number {
  return activeSession().config.crossSize;
}

async function start(options: ConfigOptions): Promise<ActiveSession> {
  await using meeting = await meet(options, generation); // until all are linked
  const config = readConfig(meeting.options);
  const sets = (config.processSets ?? []).map(processSetOf);
  const native = openNative(config, generation);
  const ranks = Array.from({ length: config.size }, (_, rank) => rank);
  try {
    const log = autotuneLogOf(config);
    const places = await joinRing(native, config, generation, sets);
    const autotuner = autotunerOf(config, native, log);
    const ring = { config, native, ranks, places, generation };
    const session = { ...ring, sets: new Map(), autotuner, nextName: namesInOrder() };
    for (const set of sets) await linkSet(session, set);
    generation += 1;
    return session;
  } catch (error) {
    await native.close();
    throw error;
  }
}

function processSetOf(set: readonly number[] | { readonly ranks: readonly number[] }): ProcessSet {
  if (set instanceof ProcessSet) return set;
  return new ProcessSet('ranks' in set ? set.ranks : set);
}

/** The engine closes the process sets of a session with it. */
async function close({ native, sets }: ActiveSession): Promise<void> {
  await native.close();
  for (const set of sets.values()) await set?.native.close();
}

function handle(session: ActiveSession): Session {
  const { rank, size, localRank, localSize, crossRank, crossSize } = session.config;
  return {
    ...{ rank, size, localRank, localSize, crossRank, crossSize },
    generation: session.generation,
    // A handle that outlived its ring must not end the next one.
    [Symbol.asyncDispose]: async () => {
      const now = phase();
      if (now.at === 'running' && now.session !== session) return;
      await shutdown();
    },
  };
}
