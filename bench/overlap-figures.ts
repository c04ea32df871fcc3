import { median } from '../lib/statistics.js';

/** How a step reduces its gradients: not at all, after backward, or while backward goes on. */
export const ways = ['none', 'after', 'during'] as const;
export type Way = (typeof ways)[number];

/** One step on one rank, in milliseconds. */
export interface StepTimes {
  readonly step: number;
  /** In which the rank's thread did nothing but hand over gradients and wait for them. */
  readonly blocked: number;
}

export interface WayFigures {
  /** Milliseconds of the slowest rank, in the median step. */
  readonly step: number;
  /** Milliseconds that the rank was blocked which came last, and so waited for communication and not for another rank. */
  readonly exposed: number;
}

export interface OverlapFigures {
  readonly of: Readonly<Record<Way, WayFigures>>;
  /** Of the communication that is exposed after backward, the share that is not when it goes on during backward. */
  readonly hidden: number;
  /** A step with overlap over one without: below 1 is what overlap gains. */
  readonly ratio: number;
}

/** @param times - by way, rank and step; all ranks have as many steps, and begin each together */
export function overlapFigures(times: Readonly<Record<Way, readonly (readonly StepTimes[])[]>>): OverlapFigures {
  const figuresOf = (way: Way): WayFigures => {
    const steps = times[way][0]!.map((_, step) => times[way].map((rank) => rank[step]!));
    return {
      step: median(steps.map((ranks) => Math.max(...ranks.map(({ step }) => step)))),
      exposed: median(steps.map((ranks) => Math.min(...ranks.map(({ blocked }) => blocked)))),
    };
  };
  const of = { none: figuresOf('none'), after: figuresOf('after'), during: figuresOf('during') };
  return { of, hidden: 1 - of.during.exposed / of.after.exposed, ratio: of.during.step / of.after.step };
}
