/** What a search varies; all ranks go by one at a time. */
export interface Trial {
  /** Buckets that the tensors of a group are packed into hold at most so much. */
  readonly fusionThresholdBytes: number;
  /** What a ring hands to a link, or takes from it, in one go. */
  readonly pieceBytes: number;
  /** What a step is said to cost, of what the ring began with: more moves up the sizes from which algorithms with more steps are chosen. */
  readonly stepCostPercent: number;
  /** Of those that connect every two ranks, data go over so many. */
  readonly sockets: number;
}

/** So many are connected where a search may choose, unless the ring is to begin with more. */
export const mostSockets = 4;

/** The order in which knobs are turned, and where to. */
const knobs: readonly (readonly [name: keyof Trial, values: readonly number[]])[] = [
  ['fusionThresholdBytes', [1, 4, 16, 64, 128].map((mebibytes) => mebibytes << 20)],
  ['stepCostPercent', [25, 100, 400]],
  ['pieceBytes', [64, 256, 1024].map((kibibytes) => kibibytes << 10)],
  ['sockets', [1, 2, mostSockets]],
];

/** By how much a trial must be better than the best: times differ by themselves. */
const gain = 1.02;

/**
 * Looks for the best of a few settings by turning one knob after the other, from the best place that was found so far. It is bounded: each
 * value of each knob is tried once, so the number of trials depends on where it begins alone.
 */
export class TrialSearch {
  private readonly rest: (readonly [name: keyof Trial, value: number])[];
  private current: Trial;
  private bestTrial: Trial;
  private bestScore = 0;
  private done = false;

  /** @param connected - sockets of every two ranks; where it is one, there is no choice */
  constructor(first: Trial, connected: number) {
    this.current = first;
    this.bestTrial = first;
    this.rest = knobs.flatMap(([name, values]) =>
      values
        .filter((value) => value !== first[name] && (name !== 'sockets' || value <= connected))
        .map((value) => [name, value] as const),
    );
  }

  /** To be tried now; undefined once all has been. */
  get trial(): Trial | undefined {
    return this.done ? undefined : this.current;
  }
  get best(): Trial {
    return this.bestTrial;
  }

  /** What came of the trial, in bytes per second. @returns whether it is the best so far */
  score(bytesPerSecond: number): boolean {
    const better = bytesPerSecond > this.bestScore * gain;
    if (better) {
      this.bestScore = bytesPerSecond;
      this.bestTrial = this.current;
    }
    const next = this.rest.shift();
    if (next === undefined) this.done = true;
    else this.current = { ...this.bestTrial, [next[0]]: next[1] };
    return better;
  }
}
