import { checkedTimeout } from '../arguments.js';
import type { ActiveSession } from '../active-session.js';
import { operateSync, start, type Operation } from '../operation.js';
import { sessionOf } from '../process-set.js';
import { handle, type Handle } from './handle.js';
import { named, type NamedOptions } from './named.js';

export interface MonitoredBarrierOptions extends NamedOptions {
  /** From the first rank that comes; default: the session's `timeoutMs`. */
  timeoutMs?: number;
}

/**
 * A barrier that tells who is missing: if not all ranks come in time, those that came get an error that names all that did not, and
 * the ring goes on. A rank that comes too late waits for the others again.
 *
 * @throws {RingError} `RING_TIMEOUT`, naming the missing ranks
 */
export function monitoredBarrier(options: MonitoredBarrierOptions = {}): Handle<void> {
  return handle(
    () => {
      const session = sessionOf('monitoredBarrier', options.processSet);
      return start(session, meeting(session, options));
    },
    () => undefined,
  );
}

/** As {@link monitoredBarrier}, blocking this thread until done. */
export function monitoredBarrierSync(options: MonitoredBarrierOptions = {}): void {
  const session = sessionOf('monitoredBarrierSync', options.processSet);
  operateSync(session, meeting(session, options));
}

function meeting(session: ActiveSession, options: MonitoredBarrierOptions): Operation {
  const timeoutMs = checkedTimeout('monitoredBarrier', options.timeoutMs ?? session.config.timeoutMs);
  return {
    kind: 'barrier',
    ...named(session, 'monitoredBarrier', options),
    values: [],
    dtypes: [],
    inPlace: false,
    timeoutMs,
  };
}
