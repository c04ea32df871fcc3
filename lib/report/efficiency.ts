import type { Training } from './measured.js';

export interface Efficiency {
  readonly training: Training;
  /** Images a second over those of one rank of the same system on the same workload, times ranks. */
  readonly efficiency: number;
}

/** Of all trainings whose single rank was measured, too; that one's is 1. */
export function efficiencies(trainings: readonly Training[]): Efficiency[] {
  const single = new Map(trainings.filter(({ ranks }) => ranks === 1).map((one) => [workloadOf(one), one]));
  const found = trainings.flatMap((training) => {
    const alone = single.get(workloadOf(training));
    if (alone === undefined) return [];
    const { imagesPerSecond, ranks } = training;
    return [{ training, efficiency: imagesPerSecond.value / (ranks * alone.imagesPerSecond.value) }];
  });
  return found.some(({ training }) => training.ranks > 1) ? found : [];
}

function workloadOf({ system, model, batch, imageSize, threads }: Training): string {
  return JSON.stringify([system, model, batch, imageSize, threads]);
}
