import { allreduceSeconds, type CollectiveName, collectiveNames, fastest, serverSeconds } from './allreduce-cost.js';
import { playEvents } from './events.js';
import type { Network, Shape } from './network.js';
import { unevenness } from './random.js';
import { scheduleOf, serverSchedule } from './schedule.js';

/** What is simulated, at one number of ranks. */
export interface Setting {
  readonly shape: Shape;
  readonly network: Network;
  /** Parameter servers; undefined: one for each host of ranks. */
  readonly servers?: number;
  /** Of all gradients together, as they travel. */
  readonly bytes: number;
  /** Play every message, and not go by formulas. */
  readonly events: boolean;
  /** Seconds of a rank for a step by itself, on average; absent: only communication is asked for. */
  readonly compute?: {
    readonly seconds: number;
    /** Standard deviation of that between ranks and steps, as a share of it. */
    readonly deviation: number;
    /** Share of it during which gradients can be reduced already. */
    readonly overlap: number;
    readonly seed: number;
  };
}

export interface Simulated {
  readonly ranks: number;
  readonly localRanks: number;
  /** Seconds of one allreduce by each. */
  readonly allreduceSeconds: Readonly<Record<CollectiveName, number>>;
  readonly best: CollectiveName;
  /** Seconds of gradients and weights by parameter servers. */
  readonly serverSeconds: number;
  /** By the best allreduce. */
  readonly step?: SimulatedStep;
  /** By parameter servers, where no rank waits for another (asynchronous). */
  readonly serverStep?: SimulatedStep;
}

export interface SimulatedStep {
  readonly seconds: number;
  /** Of it: communication that is not hidden behind compute. */
  readonly exposedSeconds: number;
  /** Of it: waiting for the slowest rank. */
  readonly waitingSeconds: number;
  /** What so many ranks do over what one does, times ranks. */
  readonly efficiency: number;
}

/** Steps over which the slowest rank's time is averaged. */
const steps = 200;

export function simulate({ shape, network, servers, bytes, events, compute }: Setting): Simulated {
  const { ranks, localRanks } = shape;
  const byEvents = (name: CollectiveName) => Math.max(...playEvents(scheduleOf(name, shape, bytes, network), network));
  const reduce = collectiveNames.map((name): [CollectiveName, number] => [
    name,
    events ? byEvents(name) : allreduceSeconds(name, shape, bytes, network),
  ]);
  const count = servers ?? ranks / localRanks;
  const served = events
    ? Math.max(...playEvents(serverSchedule(shape, count, bytes), network).slice(0, ranks / localRanks))
    : serverSeconds(shape, count, bytes, network);
  const seconds = Object.fromEntries(reduce) as Record<CollectiveName, number>;
  const best = fastest((name) => seconds[name]);
  const common = { ranks, localRanks, allreduceSeconds: seconds, best, serverSeconds: served };
  if (compute === undefined) return common;
  const slowest = compute.seconds * slowestOf(ranks, compute.deviation, compute.seed);
  return {
    ...common,
    step: stepOf(seconds[best], slowest, compute),
    serverStep: stepOf(served, compute.seconds, compute),
  };
}

function stepOf(communication: number, slowest: number, compute: NonNullable<Setting['compute']>): SimulatedStep {
  const exposedSeconds = Math.max(0, communication - compute.overlap * compute.seconds);
  const seconds = slowest + exposedSeconds;
  return {
    seconds,
    exposedSeconds,
    waitingSeconds: slowest - compute.seconds,
    efficiency: compute.seconds / seconds,
  };
}

/** How much longer than the average the slowest of so many ranks takes, on average over steps. */
export function slowestOf(ranks: number, deviation: number, seed: number): number {
  if (deviation === 0 || ranks === 1) return 1;
  const next = unevenness(deviation, seed);
  let total = 0;
  for (let step = 0; step < steps; step++) {
    let slowest = 0;
    for (let rank = 0; rank < ranks; rank++) slowest = Math.max(slowest, next());
    total += slowest;
  }
  return total / steps;
}
