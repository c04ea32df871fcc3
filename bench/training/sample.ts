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
  readonly peakBytes: number;
  readonly tensorflow: string;
  readonly loss: number;
  /** From 0; every system runs once in each. */
  readonly round: number;
}

const mark = '@sample ';

/** The line by which a run tells what it measured. */
export function sampleLine(sample: Omit<Sample, 'system' | 'round'>): string {
  return mark + JSON.stringify(sample);
}

/** What a run told, whatever a launcher puts before its lines. Undefined if it did not. */
export function parseSample(output: string): Omit<Sample, 'system' | 'round'> | undefined {
  for (const line of output.split('\n')) {
    const place = line.indexOf(mark);
    if (place >= 0) return JSON.parse(line.slice(place + mark.length)) as Omit<Sample, 'system' | 'round'>;
  }
  return undefined;
}
