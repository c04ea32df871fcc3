/** What one start of one system measured at one size. Times are those of the common protocol, in seconds. */
export interface Sample {
  readonly system: string;
  readonly ranks: number;
  readonly bytes: number;
  /** From 0; every system runs once in each. */
  readonly round: number;
  readonly iterations: number;
  readonly minSeconds: number;
  readonly medianSeconds: number;
  readonly backToBackSeconds: number;
  readonly correct: boolean;
  /** Share of the machine's CPU time that went elsewhere meanwhile, 0 to 1; absent where the system does not tell. */
  readonly otherShare?: number;
}

type Measured = Pick<
  Sample,
  'ranks' | 'bytes' | 'iterations' | 'minSeconds' | 'medianSeconds' | 'backToBackSeconds' | 'correct'
>;

/**
 * The rows in what a bench printed: the columns of `tsv.header`, from the second on. The first is a label, and launchers put
 * things before it. Other lines are skipped.
 */
export function parseRows(output: string): Measured[] {
  const number = String.raw`\t(\d+(?:\.\d+)?)`;
  const row = new RegExp(`${number.repeat(9)}\\t(ok|WRONG)\\s*$`);
  return output.split('\n').flatMap((line) => {
    const match = row.exec(line);
    if (!match) return [];
    const [ranks, bytes, iterations, minUs, medianUs, backToBackUs] = match.slice(1, 7).map(Number);
    return {
      ranks: ranks!,
      bytes: bytes!,
      iterations: iterations!,
      minSeconds: minUs! / 1e6,
      medianSeconds: medianUs! / 1e6,
      backToBackSeconds: backToBackUs! / 1e6,
      correct: match[10] === 'ok',
    };
  });
}
