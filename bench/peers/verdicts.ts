import { type Ratio, ratio } from './fold.js';
import type { Sample } from './sample.js';
import { type System, systems } from './systems.js';

/** What we want to reach against some of the others, at some sizes and numbers of ranks. */
interface Target {
  readonly ours: 'tsring' | 'tsring-tcp';
  /** Who the others are, for people. */
  readonly rivals: string;
  readonly isRival: (system: System) => boolean;
  /** Least wanted ratio of the best rival's time to ours; undefined where nothing is promised. */
  readonly atLeast: (bytes: number, ranks: number, cores: number) => number | undefined;
  readonly appliesTo: (bytes: number) => boolean;
}

const small = (bytes: number) => bytes < 64 * 1024;
const large = (bytes: number) => !small(bytes);
const notOurs = (system: System) => system.family !== 'tsring';

/**
 * Over shared memory every system is a rival; over TCP those are that use TCP too. For small sizes the families have targets of
 * their own.
 */
const targets: readonly Target[] = [
  {
    ours: 'tsring',
    rivals: 'all',
    isRival: notOurs,
    appliesTo: large,
    atLeast: (bytes) => (bytes >= 16 * 2 ** 20 ? 2 : 1.5),
  },
  {
    ours: 'tsring',
    rivals: 'gloo, torch',
    isRival: ({ family }) => family === 'gloo' || family === 'torch',
    appliesTo: small,
    atLeast: () => 1,
  },
  {
    ours: 'tsring',
    rivals: 'Horovod',
    isRival: ({ family }) => family === 'Horovod',
    appliesTo: small,
    atLeast: () => 20,
  },
  {
    ours: 'tsring',
    rivals: 'MPI',
    isRival: ({ family }) => family === 'Open MPI' || family === 'MPICH',
    appliesTo: small,
    atLeast: (_bytes, ranks, cores) => (ranks > cores ? 1 : 1 / 3),
  },
  {
    ours: 'tsring-tcp',
    rivals: 'all over TCP',
    isRival: (system) => notOurs(system) && system.transport === 'tcp',
    appliesTo: () => true,
    atLeast: (bytes) => (large(bytes) ? 1.3 : undefined),
  },
];

export interface Verdict {
  readonly ours: string;
  readonly ranks: number;
  readonly bytes: number;
  readonly rivals: string;
  /** The rival that comes closest to us, or is ahead of us. */
  readonly best: string;
  readonly ratio: Ratio;
  /** Least wanted `ratio.median`. */
  readonly target?: number;
}

/** `lost`: the best rival is faster, whether or not the target allows for it. `short`: ahead, but less than wanted. */
export type Outcome = 'met' | 'short' | 'lost' | 'lost, within target' | 'ahead';

export function outcome({ ratio: { median }, target }: Verdict): Outcome {
  if (target === undefined) return median >= 1 ? 'ahead' : 'lost';
  if (median < target) return median < 1 ? 'lost' : 'short';
  return median < 1 ? 'lost, within target' : 'met';
}

/** For every target, number of ranks and size that was measured: the best rival, and how we stand against it. */
export function judge(samples: readonly Sample[], cores: number): Verdict[] {
  const numbers = (pick: (sample: Sample) => number) => [...new Set(samples.map(pick))].sort((a, b) => a - b);
  return targets.flatMap((target) =>
    numbers(({ ranks }) => ranks).flatMap((ranks) =>
      numbers(({ bytes }) => bytes)
        .filter((bytes) => target.appliesTo(bytes))
        .flatMap((bytes) => {
          const best = bestRival(samples, target, ranks, bytes);
          const atLeast = target.atLeast(bytes, ranks, cores);
          if (!best) return [];
          const { ours, rivals } = target;
          return [{ ours, ranks, bytes, rivals, ...best, ...(atLeast === undefined ? {} : { target: atLeast }) }];
        }),
    ),
  );
}

function bestRival(samples: readonly Sample[], { ours, isRival }: Target, ranks: number, bytes: number) {
  return systems
    .filter(isRival)
    .flatMap(({ name }) => {
      const against = ratio(samples, { ranks, bytes, system: name, ours });
      return against ? [{ best: name, ratio: against }] : [];
    })
    .sort((a, b) => a.ratio.median - b.ratio.median)[0];
}
