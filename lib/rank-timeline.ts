import path from 'node:path';
import { activeSession } from './active-session.js';
import { timelinePart } from './timeline/part.js';

/**
 * Begins a timeline of this rank, in the trace event format of Chrome, which https://ui.perfetto.dev opens.
 *
 * @param file - `trace.json` names the parts `trace.rank-0.json` and so on, one a rank; `tsrun merge-timeline trace.json` makes one
 *   file of them
 * @returns the file of this rank's part
 * @throws {RingError} `RING_INVALID_ARGUMENT` where there is a timeline already, or the file cannot be written
 */
export function startTimeline(file: string): string {
  const { config, native } = activeSession();
  const part = timelinePart(path.resolve(file), config.rank);
  native.startTimeline(part);
  return part;
}

/** Ends the timeline, the one of `startTimeline` or of the setting; settles once all is in the file. */
export async function stopTimeline(): Promise<void> {
  await activeSession().native.stopTimeline();
}
