import { constants } from 'node:os';
import { RingError } from '../errors.js';
import { firstCause, isFailure } from './first-cause.js';
import type { Interrupts, StopSignal } from './interrupts.js';
import type { OutputForwarder } from './output-forwarder.js';
import { nameOf } from './process-names.js';
import type { JobHost, RankExit, RankProcess } from './job-host.js';

/** Why a job ends. */
export type JobEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly exit: RankExit }
  | { readonly kind: 'interrupted'; readonly signal: StopSignal }
  /** It had its time. */
  | { readonly kind: 'overdue'; readonly timeoutMs: number }
  /** Nobody reads tsrun's output any more. */
  | { readonly kind: 'unread' }
  /** The job could not be started, or not be kept safe. */
  | { readonly kind: 'broken'; readonly error: RingError };

/** 50 ms are nothing to a job that has failed, and enough for those that failed together to show. */
const patience = { settleMs: 50, witnessMs: 1000 };

export interface Watched {
  readonly hosts: readonly JobHost[];
  /** Absent: the job may take for ever. */
  readonly timeoutMs?: number;
  readonly interrupts: Interrupts;
  readonly output: OutputForwarder;
}

/**
 * Resolves when all ranks have succeeded, or with the first thing that ends the job before.
 *
 * @param ranks - parameter servers too
 */
export function watch(
  ranks: readonly RankProcess[],
  { hosts, interrupts, output, timeoutMs }: Watched,
): Promise<JobEnd> {
  const exits = ranks.map(({ exited }) => exited);
  const ofRanks = ranks.filter(({ placement }) => placement.server === undefined).map(({ exited }) => exited);
  const isWitness = (exit: RankExit) => output.isWitness(exit);
  return Promise.race([
    allSucceeded(ofRanks), // parameter servers are there for them, and end with them
    firstCause(exits, isWitness, patience).then((exit): JobEnd => ({ kind: 'failed', exit })),
    interrupts.first.then((signal): JobEnd => ({ kind: 'interrupted', signal })),
    output.broken.then((): JobEnd => ({ kind: 'unread' })),
    ...hosts.map(({ lost }) => lost.then((error): JobEnd => ({ kind: 'broken', error }))),
    ...(timeoutMs === undefined ? [] : [overdue(timeoutMs)]),
  ]);
}

function overdue(timeoutMs: number): Promise<JobEnd> {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ kind: 'overdue', timeoutMs }), timeoutMs).unref(); // the ranks keep us alive
  });
}

function allSucceeded(exits: readonly Promise<RankExit>[]): Promise<JobEnd> {
  return new Promise((resolve) => {
    void Promise.all(exits).then((all) => {
      if (!all.some(isFailure)) resolve({ kind: 'done' });
    });
  });
}

/** @param running - ranks that still ran at the job's end */
export function describeEnd(end: JobEnd, running: number): string | undefined {
  const stopped = running === 0 ? '' : `; the other ranks were stopped`;
  switch (end.kind) {
    case 'done':
      return undefined;
    case 'failed':
      return describeExit(end.exit) + stopped;
    case 'interrupted':
      return `stopped by ${end.signal}`;
    case 'overdue':
      return `the job has not ended within ${end.timeoutMs / 1000} s (--timeout)${stopped}`;
    case 'unread':
      return `nobody reads the output any more${stopped}`;
    case 'broken':
      return end.error.message + stopped;
  }
}

function describeExit({ pid, host, code, signal, ...number }: RankExit): string {
  const who = `${nameOf(number)} (pid ${pid}, host ${host})`;
  if (signal === null) return `${who} exited with code ${code}`;
  const hint = signal === 'SIGKILL' ? ', not by tsrun: a user, or the system when memory ran out' : '';
  return `${who} was killed by ${signal}${hint}`;
}

/** As shells count: 128 plus the number of a signal. */
export function exitCodeOf(end: JobEnd): number {
  switch (end.kind) {
    case 'done':
      return 0;
    case 'failed':
      return end.exit.signal === null ? (end.exit.code ?? 1) : 128 + constants.signals[end.exit.signal];
    case 'interrupted':
      return 128 + constants.signals[end.signal];
    case 'overdue':
      return 124; // as of timeout(1)
    case 'unread':
      return 128 + constants.signals.SIGPIPE;
    case 'broken':
      return 1;
  }
}
