import { median } from '../../lib/statistics.js';
import type { Sample } from './sample.js';

/** All rounds of one system, at one workload and number of ranks. */
export interface Figures extends Pick<
  Sample,
  'system' | 'network' | 'model' | 'ranks' | 'batch' | 'imageSize' | 'threads' | 'parameters' | 'tensorflow'
> {
  readonly rounds: number;
  /** Median over the rounds of each round's median, and the least and largest of those, in milliseconds. */
  readonly stepMs: number;
  readonly leastMs: number;
  readonly largestMs: number;
  /** Of all ranks together. */
  readonly imagesPerSecond: number;
  /** Images a second over `tsring`'s at the same workload and number of ranks; undefined where that did not run. */
  readonly ratio?: number;
  /** Median over the pairs of (step - step without communication) / step; undefined for one rank. */
  readonly communication?: number;
  /** Images a second over those of the system's one rank with as many threads, times ranks; undefined where that did not run. */
  readonly efficiency?: number;
  /** Median over the steps of the share in which a step waited for its batch; undefined for synthetic images. */
  readonly input?: number;
  /** Of the rank that took most, and of the one that took least; in the worst round. */
  readonly peakBytes: number;
  readonly leastPeakBytes: number;
}

export function foldSamples(samples: readonly Sample[]): Figures[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { system, network, model, batch, imageSize, ranks, threads } = sample;
    const key = JSON.stringify([network, model, batch, imageSize, ranks, threads, system]);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  const folded = [...groups.values()].map(foldOne);
  return folded.map((figures) => {
    const same = ({ model, batch, imageSize }: Figures) =>
      model === figures.model && batch === figures.batch && imageSize === figures.imageSize;
    const reference = folded.find(
      (other) =>
        other.system === 'tsring' &&
        other.network === figures.network &&
        same(other) &&
        other.ranks === figures.ranks &&
        other.threads === figures.threads,
    );
    const single = folded.find(
      (other) =>
        other.system === figures.system && same(other) && other.ranks === 1 && other.threads === figures.threads,
    );
    return {
      ...figures,
      ...(reference && { ratio: figures.imagesPerSecond / reference.imagesPerSecond }),
      ...(single &&
        figures.ranks > 1 && {
          efficiency: figures.imagesPerSecond / (figures.ranks * single.imagesPerSecond),
        }),
    };
  });
}

function foldOne(samples: readonly Sample[]): Figures {
  const { system, network, model, ranks, batch, imageSize, threads, parameters, tensorflow } = samples[0]!;
  const medians = samples.map(({ steps }) => median(steps));
  const stepMs = median(medians);
  const shares = samples.flatMap(({ steps, localSteps }) => localSteps.map((local, i) => 1 - local / steps[i]!));
  const inputs = samples.flatMap(({ steps, inputSteps = [] }) => inputSteps.map((input, i) => input / steps[i]!));
  const peaks = samples.flatMap(({ peakBytes, peakBytesOfRanks }) => [peakBytes, ...peakBytesOfRanks]);
  return {
    ...{ system, network, model, ranks, batch, imageSize, threads, parameters, tensorflow },
    rounds: samples.length,
    stepMs,
    leastMs: Math.min(...medians),
    largestMs: Math.max(...medians),
    imagesPerSecond: (ranks * batch * 1000) / stepMs,
    ...(shares.length > 0 && { communication: median(shares) }),
    ...(inputs.length > 0 && { input: median(inputs) }),
    peakBytes: Math.max(...peaks),
    leastPeakBytes: Math.min(...peaks),
  };
}
