/** Of all ranks; seconds are rank 0's. */
export interface InputFigures {
  readonly syntheticPerSecond: number;
  readonly realPerSecond: number;
  /** Without training. */
  readonly readPerSecond: number;
  /** In which a step waited for its batch. */
  readonly inputSeconds: number;
  readonly stepSeconds: number;
}

/** Waiting for less than this share of a step, or being slower by less, counts for nothing. */
const muchWaiting = 0.05;

export function comparisonLines(title: string, figures: InputFigures): string[] {
  const { syntheticPerSecond, realPerSecond, readPerSecond, inputSeconds, stepSeconds } = figures;
  const share = inputSeconds / stepSeconds;
  const speedOf = (value: number) => `${value.toFixed(2).padStart(9)} images/s`;
  return [
    title,
    `synthetic input  ${speedOf(syntheticPerSecond)}`,
    `real input       ${speedOf(realPerSecond)}  ${(realPerSecond / syntheticPerSecond).toFixed(3)} of synthetic`,
    `reading alone    ${speedOf(readPerSecond)}  ${(readPerSecond / syntheticPerSecond).toFixed(1)} times what training takes`,
    `a step waits ${(1e3 * inputSeconds).toFixed(1)} ms of ${(1e3 * stepSeconds).toFixed(1)} ms for its batch (${(100 * share).toFixed(1)} %)`,
    verdict(share, realPerSecond / syntheticPerSecond),
  ];
}

function verdict(waiting: number, speed: number): string {
  if (waiting >= muchWaiting)
    return 'input is the bottleneck: more threads (--datasets_num_private_threads), smaller files, or more hosts';
  if (speed < 1 - muchWaiting)
    return 'input is not waited for, but reading takes cores from training: it wants some of its own, or smaller files';
  return 'input is not the bottleneck';
}
