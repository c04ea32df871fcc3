/** A way between two ranks: a message of b bytes takes `latencySeconds + b * secondsPerByte` (the alpha-beta model of Hockney, 1994). */
export interface Link {
  readonly latencySeconds: number;
  readonly secondsPerByte: number;
}

/** What ranks are connected by. Links carry as much in both directions at the same time. */
export interface Network {
  /** Between two hosts. All ranks of a host share it. */
  readonly across: Link;
  /** Between two ranks of a host; each has its own. */
  readonly local: Link;
  /** To add a byte to another: gamma. */
  readonly combineSecondsPerByte: number;
}

/** How many ranks there are, host by host. */
export interface Shape {
  readonly ranks: number;
  /** Of each host; divides `ranks`. */
  readonly localRanks: number;
}

/** @param gigabitsPerSecond - 10^9 bits */
export function linkOf(latencyMicroseconds: number, gigabitsPerSecond: number): Link {
  return { latencySeconds: latencyMicroseconds / 1e6, secondsPerByte: 8 / (gigabitsPerSecond * 1e9) };
}
