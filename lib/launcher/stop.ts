import { setTimeout as delay } from 'node:timers/promises';
import { type Job, signalJob } from './processes.js';

export interface StopOptions {
  /** What all processes of the job get first. */
  readonly signal: NodeJS.Signals;
  /** How long they have from then to SIGKILL. */
  readonly graceMs: number;
  /** Aborting it ends the grace. */
  readonly hurry: AbortSignal;
  /** Settles when the ranks' own processes are gone. */
  readonly ranksGone: Promise<unknown>;
}

/** How long the kernel may take to end a killed process: one in the middle of a driver call can take seconds. */
const killTimeoutMs = 10_000;

/** Ends every process of the job, politely first. Returns how many cannot be killed: 0 unless the kernel holds them. */
export async function stopJob(job: Job, { signal, graceMs, hurry, ranksGone }: StopOptions): Promise<number> {
  if (signalJob(job, signal) === 0) return 0;
  // A timer of our own: AbortSignal.any does not keep an AbortSignal.timeout alive, and one that was collected never fires.
  const grace = new AbortController();
  const timer = setTimeout(() => grace.abort(), graceMs);
  const hurried = aborted(hurry).then(() => grace.abort());
  try {
    await Promise.race([ranksGone, hurried, aborted(grace.signal)]);
    const left = await untilGone(() => signalJob(job, 0), grace.signal);
    return left === 0 ? 0 : await untilGone(() => signalJob(job, 'SIGKILL'), AbortSignal.timeout(killTimeoutMs));
  } finally {
    clearTimeout(timer);
  }
}

/** Looks until `count` is 0 or `end` aborts: processes that are not our children have no other way to tell us of their end. */
async function untilGone(count: () => number, end: AbortSignal): Promise<number> {
  for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, 100)) {
    const left = count();
    if (left === 0 || end.aborted) return left;
    await delay(pauseMs, undefined, { signal: end }).catch(() => undefined);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
