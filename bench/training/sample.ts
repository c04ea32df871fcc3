/** What one run of one system measured: by rank 0, in milliseconds. */
export interface Sample {
  readonly system: string;
  readonly model: string;
  readonly ranks: number;
  /** Images a rank and a step. */
  readonly batch: number;
  readonly imageSize: number;
  /** Of TensorFlow, a rank. */
  readonly threads: number;
  readonly parameters: number;
  readonly steps: readonly number[];
  /** Each right after the step at its place, without communication; empty for one rank. */
  readonly localSteps: readonly number[];
  /** Of each step, in which it waited for its batch; absent for synthetic images. */
  readonly inputSteps?: readonly number[];
  readonly peakBytes: number;
  /** Of all ranks, in their order, rank 0's again first. */
  readonly peakBytesOfRanks: readonly number[];
  readonly tensorflow: string;
  readonly loss: number;
  /** Where the ranks were: `host`, all on one, or a host for each and what joined them. */
  readonly network: string;
  /** From 0; every system runs once in each. */
  readonly round: number;
}

/** What rank 0 tells. */
export type Told = Omit<Sample, 'system' | 'round' | 'network' | 'peakBytesOfRanks'>;

const mark = '@sample ';
const rankMark = '@rank ';

/** The line by which a run tells what it measured. */
export function sampleLine(sample: Told): string {
  return mark + JSON.stringify(sample);
}

/** The line by which each rank tells its peak memory. */
export function rankLine(rank: number, peakBytes: number): string {
  return rankMark + JSON.stringify({ rank, peakBytes });
}

/** What a run told, whatever a launcher puts before its lines, or another rank behind them. Undefined if it did not. */
export function parseSample(output: string): (Told & Pick<Sample, 'peakBytesOfRanks'>) | undefined {
  const after = (wanted: string) =>
    [...output.matchAll(new RegExp(`${wanted}(\\{[^{}]*\\})`, 'g'))].map(([, told]) => told!);
  const [told] = after(mark);
  if (told === undefined) return undefined;
  const ranks = after(rankMark).map((text) => JSON.parse(text) as { rank: number; peakBytes: number });
  const inOrder = ranks.sort((one, other) => one.rank - other.rank);
  return { ...(JSON.parse(told) as Told), peakBytesOfRanks: inOrder.map(({ peakBytes }) => peakBytes) };
}
