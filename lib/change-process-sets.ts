import os from 'node:os';
import { activeSession, namesInOrder, type ActiveSession } from './active-session.js';
import { RingError, type RingErrorCode } from './errors.js';
import { hostId } from './host-id.js';
import type { NativeSession, PeerAddress } from './native/binding.js';
import { openNative } from './native-session.js';
import { globalProcessSet, ProcessSet } from './process-set.js';

// A process set is a ring of its own: links, shared memory and threads. Its ranks tell each other where they listen by an allgather
// of all ranks, which also shows whether all mean the same; a second one says whether all could link up, so that all fail or none.

/**
 * Makes a process set of some ranks. All ranks of the job call it, those outside too, with the same ranks; calls pair up by their order.
 *
 * @param set - ranks of the job, or a set of them that is not part of the ring yet
 * @returns the set
 * @throws {RingError} on all ranks alike: `RING_MISMATCH` where they disagree; `RING_INVALID_ARGUMENT` for a rank that the job does not
 *   have; `RING_CONNECT`, `RING_TIMEOUT` and others of `init` where the ranks cannot link up. On this one alone: `RING_INVALID_ARGUMENT`
 *   for what is no set of ranks, or a set that is part of the ring already
 */
export async function addProcessSet(set: ProcessSet | readonly number[]): Promise<ProcessSet> {
  const session = activeSession();
  const added = set instanceof ProcessSet ? set : new ProcessSet(set);
  if (added === globalProcessSet || session.sets.has(added))
    throw new RingError('RING_INVALID_ARGUMENT', 'addProcessSet: the set is part of this ring already');
  await linkSet(session, added);
  return added;
}

/**
 * Takes a process set out of the ring: operations that are pending on it fail. All ranks of the job call it, for the same set.
 *
 * @throws {RingError} on all ranks alike: `RING_MISMATCH`. On this one alone: `RING_INVALID_ARGUMENT` for a set that is not part of the
 *   ring, or is all of it
 */
export async function removeProcessSet(set: ProcessSet): Promise<void> {
  const session = activeSession();
  if (!session.sets.has(set)) {
    const why = set === globalProcessSet ? 'the global set stays until shutdown' : 'the set is not part of this ring';
    throw new RingError('RING_INVALID_ARGUMENT', `removeProcessSet: ${why}`);
  }
  const number = [...session.sets.keys()].indexOf(set);
  await agree(session, { what: `removeProcessSet of set ${number}, ranks [${set.ranks.join(', ')}]` });
  const own = session.sets.get(set);
  session.sets.delete(set);
  await own?.native.close();
}

/** Links a set up and makes it part of the ring. For all ranks of it, at the same point of the order of such calls. */
export async function linkSet(session: ActiveSession, set: ProcessSet): Promise<void> {
  const place = set.ranks.indexOf(session.config.rank);
  const own = place < 0 ? undefined : openSet(session, set, place);
  try {
    const what = `addProcessSet of ranks [${set.ranks.join(', ')}]`;
    const said = await agree(session, { what, ...(own && { address: addressOf(own) }) });
    const stranger = set.ranks.find((rank) => rank >= session.config.size);
    if (stranger !== undefined) {
      const most = session.config.size - 1;
      throw new RingError('RING_INVALID_ARGUMENT', `${what}: there is no rank ${stranger}; 0 to ${most} are there`);
    }
    const addresses = set.ranks.map((rank) => said[rank]!.address!);
    const failure = await failureOf(own?.native.connect(addresses, session.config.startTimeoutMs));
    const failed = (await agree(session, { what, ...failure })).find(({ code }) => code !== undefined);
    if (failed) throw new RingError(failed.code!, `${what}: ${failed.message}`);
  } catch (error) {
    await own?.native.close();
    throw error;
  }
  session.sets.set(set, own);
}

/** What a rank says of a change that it takes part in. */
interface Statement {
  readonly what: string;
  /** Where it listens, as one of the set. */
  readonly address?: PeerAddress;
  /** Why it could not link up. */
  readonly code?: RingErrorCode;
  readonly message?: string;
}

function openSet(session: ActiveSession, { ranks }: ProcessSet, place: number): ActiveSession {
  const config = { ...session.config, rank: place, size: ranks.length };
  const native = openNative(config, session.generation, { parent: session.native, members: ranks });
  const places = ranks.map((rank) => session.places[rank]!);
  return { config, native, ranks, places, generation: session.generation, sets: new Map(), nextName: namesInOrder() };
}

function addressOf({ config, native }: ActiveSession): PeerAddress {
  const host = config.rendezvous?.host ?? '';
  return { host, port: config.size === 1 ? 0 : native.listen(host), hostname: os.hostname(), hostId: hostId() };
}

async function failureOf(linked: Promise<void> | undefined): Promise<Pick<Statement, 'code' | 'message'>> {
  try {
    await linked;
    return {};
  } catch (error) {
    if (!(error instanceof RingError)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** What all ranks say, by rank. @throws {RingError} `RING_MISMATCH` where they do not mean the same change */
async function agree(session: ActiveSession, own: Statement): Promise<Statement[]> {
  const said = await gather(session.native, session.nextName('processSets'), own);
  if (said.length < session.config.size)
    throw new RingError('RING_INVALID_ARGUMENT', `${own.what}: a rank has joined; wait for all to have joined`);
  const other = said.findIndex(({ what }) => what !== said[0]!.what);
  if (other < 0) return said;
  throw new RingError(
    'RING_MISMATCH',
    `rank ${other} called ${said[other]!.what}, rank 0 ${said[0]!.what}; all ranks must change process sets alike, in the same order`,
  );
}

/** One line of JSON a rank. */
async function gather(native: NativeSession, name: string, own: Statement): Promise<Statement[]> {
  const line = new TextEncoder().encode(JSON.stringify(own) + '\n');
  const header = { kind: 'allgather', name, dtype: 'uint8' } as const;
  const ticket = native.submit({ ...header, shapes: [[line.length]], inputs: [line] });
  const { buffers } = await native.promise(ticket);
  const lines = new TextDecoder().decode(buffers![0]).trimEnd().split('\n');
  return lines.map((text) => JSON.parse(text) as Statement);
}
