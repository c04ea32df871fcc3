import { busBandwidth } from '../../lib/units.js';
import { median } from '../../lib/statistics.js';
import type { Sample } from './sample.js';

/** What all rounds of one system at one size and number of ranks come to. */
export interface Result {
  readonly system: string;
  readonly ranks: number;
  readonly bytes: number;
  readonly rounds: number;
  /** Median over the rounds of each round's median. */
  readonly medianSeconds: number;
  /** The lowest and the highest of the rounds' medians. */
  readonly spreadSeconds: readonly [number, number];
  /** The shortest iteration of all. */
  readonly minSeconds: number;
  /** Median over the rounds. */
  readonly backToBackSeconds: number;
  readonly busBytesPerSecond: number;
  readonly correct: boolean;
  /** The worst round's. */
  readonly otherShare?: number;
}

/** One result for each (ranks, bytes, system), in the order in which they first appear. */
export function fold(samples: readonly Sample[]): Result[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.ranks} ${sample.bytes} ${sample.system}`;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map((group) => {
    const { system, ranks, bytes } = group[0]!;
    const medians = group.map((sample) => sample.medianSeconds);
    const shares = group.flatMap(({ otherShare }) => (otherShare === undefined ? [] : [otherShare]));
    return {
      system,
      ranks,
      bytes,
      rounds: group.length,
      medianSeconds: median(medians),
      spreadSeconds: [Math.min(...medians), Math.max(...medians)],
      minSeconds: Math.min(...group.map((sample) => sample.minSeconds)),
      backToBackSeconds: median(group.map((sample) => sample.backToBackSeconds)),
      busBytesPerSecond: busBandwidth(bytes, ranks, median(medians)),
      correct: group.every((sample) => sample.correct),
      ...(shares.length > 0 ? { otherShare: Math.max(...shares) } : {}),
    };
  });
}

/** How many times as long as ours a system takes. Over 1: ours is faster. */
export interface Ratio {
  readonly median: number;
  readonly backToBack: number;
  /** Of the shortest iterations of all: what other programs do disturbs it least. */
  readonly min: number;
}

/**
 * Compares two systems round by round, in which they ran close to each other, and takes the median of the rounds' ratios: what
 * drifts with the machine from round to round then drops out.
 *
 * @returns undefined where they have no round in common
 */
export function ratio(
  samples: readonly Sample[],
  { ranks, bytes, system, ours }: { ranks: number; bytes: number; system: string; ours: string },
): Ratio | undefined {
  const here = samples.filter((sample) => sample.ranks === ranks && sample.bytes === bytes);
  const pairs = here.flatMap((theirs) => {
    if (theirs.system !== system) return [];
    const own = here.find((sample) => sample.system === ours && sample.round === theirs.round);
    return own ? [{ theirs, own }] : [];
  });
  if (pairs.length === 0) return undefined;
  return {
    median: median(pairs.map(({ theirs, own }) => theirs.medianSeconds / own.medianSeconds)),
    backToBack: median(pairs.map(({ theirs, own }) => theirs.backToBackSeconds / own.backToBackSeconds)),
    min:
      Math.min(...pairs.map(({ theirs }) => theirs.minSeconds)) / Math.min(...pairs.map(({ own }) => own.minSeconds)),
  };
}
