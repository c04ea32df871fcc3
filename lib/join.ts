import type { ActiveSession } from './active-session.js';
import type { NativeRequest, NativeResult } from './native/binding.js';
import { sessionOf, type ProcessSet } from './process-set.js';

export interface JoinOptions {
  /** The ranks that join each other; all of the job's unless given. */
  processSet?: ProcessSet;
}

/**
 * For ranks with data of uneven length: says that this rank has done its last operation, and waits until all have. Meanwhile it takes
 * part in what the others do: it brings zeros to an allreduce (an average still divides by the number of all ranks), no rows to an
 * allgather, and passes on a broadcast; nobody waits for it at a barrier. An allreduce of another op than 'sum', 'average' and 'adasum', a reducescatter, an alltoall, and a
 * broadcast from a rank that has joined, are `RING_INVALID_ARGUMENT` on the ranks that call them. After it everything goes on as before.
 *
 * Call it on all ranks, as the last of each. It has no deadline of its own while the others agree on something within `timeoutMs`.
 *
 * @returns the rank that was the last to join, by its number in the job: one whose weights have seen all data
 * @throws {RingError} `RING_PEER_LOST`, `RING_TIMEOUT`; operations of a rank that waits in a join are `RING_INVALID_ARGUMENT`
 */
export async function join(options: JoinOptions = {}): Promise<number> {
  const session = sessionOf('join', options.processSet);
  const { native } = session;
  return joined(session, await native.promise(native.submit(request(session))));
}

/** As {@link join}, blocking this thread until all have joined. */
export function joinSync(options: JoinOptions = {}): number {
  const session = sessionOf('joinSync', options.processSet);
  return joined(session, session.native.run(request(session)));
}

function request(session: ActiveSession): NativeRequest {
  return { kind: 'join', name: session.nextName('join'), dtype: 'uint8', shapes: [], inputs: [] };
}

function joined({ ranks, autotuner }: ActiveSession, { lastRank }: NativeResult): number {
  autotuner?.settle(); // from here on ranks would count other steps
  return ranks[lastRank!]!;
}
