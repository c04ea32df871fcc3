import type { Network, Shape } from './network.js';

export const collectiveNames = ['ring', 'recursive-doubling', 'halving-doubling', 'two-level'] as const;
export type CollectiveName = (typeof collectiveNames)[number];

/** Rounds of an allreduce that are alike: in each, a rank waits for others, moves bytes and adds some. */
export interface Phase {
  readonly rounds: number;
  /** Of a rank, in each round. */
  readonly bytes: number;
  readonly combinedBytes: number;
  /** How many ranks of a host use its link to other hosts at the same time; 0: none does, the round stays inside hosts. */
  readonly sharing: number;
  /** Share of the waits for a message that are for one from another host; absent: all, if any is. */
  readonly acrossShare?: number;
}

/** Seconds that an allreduce of so many bytes takes, where all ranks come to it at the same time. */
export function allreduceSeconds(name: CollectiveName, shape: Shape, bytes: number, network: Network): number {
  return phasesOf(name, shape, bytes, network).reduce((total, phase) => total + phaseSeconds(phase, network), 0);
}

/** The one of the algorithms that is fastest, as the engine chooses by its costs; the first of equal ones. */
export function bestCollective(shape: Shape, bytes: number, network: Network): CollectiveName {
  return fastest((name) => allreduceSeconds(name, shape, bytes, network));
}

export function fastest(secondsOf: (name: CollectiveName) => number): CollectiveName {
  return collectiveNames.reduce((best, next) => (secondsOf(next) < 0.9999 * secondsOf(best) ? next : best));
}

/**
 * Seconds that parameter servers take for a step of all ranks: gradients to the servers, which have equal shares of the weights, and
 * weights back. A host's link carries what its ranks send, that of a server its share of all ranks' (Li et al., Scaling Distributed Machine
 * Learning with the Parameter Server, OSDI 2014). Servers add up what has come, and have hosts of their own.
 */
export function serverSeconds({ ranks, localRanks }: Shape, servers: number, bytes: number, network: Network): number {
  const { latencySeconds, secondsPerByte } = network.across;
  const ofServer = (ranks * bytes) / servers;
  const oneWay = latencySeconds + Math.max(localRanks * bytes, ofServer) * secondsPerByte;
  return 2 * oneWay + ofServer * network.combineSecondsPerByte;
}

/**
 * - `ring`: 2(n-1) rounds of S/n, the least that a link can carry: Patarasuk and Yuan, Bandwidth Optimal All-reduce Algorithms for Clusters
 *   of Workstations, J. Parallel Distrib. Comput. 69 (2009). Ranks stand host by host: one of
 *   each host sends to another, whose link sets the pace, while what goes round meets as many waits inside hosts as there are.
 * - `recursive-doubling`: log2 n rounds of S; `halving-doubling`: log2 n rounds of S/2, S/4, ... and the same back (Rabenseifner). Both:
 *   Thakur, Rabenseifner, Gropp, Optimization of Collective Communication Operations in MPICH, IJHPCA 19 (2005), section 4. Where n is no power of
 *   two, what is beyond it hands its data over before and gets the result after.
 * - `two-level`: every rank of a host combines a slice, which goes through the best of the others with the ranks of the same place
 *   on the other hosts, and is handed out; one after the other, where the engine overlaps them for large data.
 */
export function phasesOf(name: CollectiveName, shape: Shape, bytes: number, network: Network): Phase[] {
  const { ranks, localRanks } = shape;
  if (ranks < 2) return [];
  switch (name) {
    case 'ring': {
      const across = ranks > localRanks ? { sharing: 1, acrossShare: 1 / localRanks } : { sharing: 0 };
      const round = { rounds: ranks - 1, bytes: bytes / ranks, ...across };
      return [
        { ...round, combinedBytes: bytes / ranks },
        { ...round, combinedBytes: 0 },
      ];
    }
    case 'recursive-doubling':
      return folded(shape, bytes, (distance) => [
        { rounds: 1, bytes, combinedBytes: bytes, sharing: sharingAt(distance, shape) },
      ]);
    case 'halving-doubling': {
      const seats = 2 ** Math.floor(Math.log2(ranks));
      return folded(shape, bytes, (distance) => {
        // The farther away the partner, the more: halves first go across, as in the engine.
        const part = (bytes * distance) / seats;
        const round = { rounds: 1, bytes: part, sharing: sharingAt(distance, shape) };
        return [
          { ...round, combinedBytes: part },
          { ...round, combinedBytes: 0 },
        ];
      });
    }
    case 'two-level':
      return twoLevels(shape, bytes, network);
  }
}

function phaseSeconds(phase: Phase, { across, local, combineSecondsPerByte }: Network): number {
  const { rounds, bytes, combinedBytes, sharing, acrossShare = sharing > 0 ? 1 : 0 } = phase;
  const latency = acrossShare * across.latencySeconds + (1 - acrossShare) * local.latencySeconds;
  const moved = bytes * (sharing > 0 ? sharing * across.secondsPerByte : local.secondsPerByte);
  return rounds * (latency + moved + combinedBytes * combineSecondsPerByte);
}

/** The rounds of a power of two of ranks, by distance of the partners, between those that take in and give back the rest. */
function folded(shape: Shape, bytes: number, roundsAt: (distance: number) => Phase[]): Phase[] {
  const doublings = Math.floor(Math.log2(shape.ranks));
  const rounds = Array.from({ length: doublings }, (_, i) => roundsAt(2 ** i)).flat();
  if (2 ** doublings === shape.ranks) return rounds;
  const fold = { rounds: 1, bytes, sharing: shape.ranks > shape.localRanks ? shape.localRanks : 0 };
  return [{ ...fold, combinedBytes: bytes }, ...rounds, { ...fold, combinedBytes: 0 }];
}

/** Partners stay inside a host where these hold powers of two, and the distance is shorter; else all ranks of a host go across at once. */
function sharingAt(distance: number, { ranks, localRanks }: Shape): number {
  if (ranks <= localRanks) return 0;
  const aligned = Number.isInteger(Math.log2(localRanks));
  return aligned && distance < localRanks ? 0 : localRanks;
}

function twoLevels({ ranks, localRanks }: Shape, bytes: number, network: Network): Phase[] {
  const hosts = ranks / localRanks;
  const inside = { rounds: 1, bytes: (bytes * (localRanks - 1)) / localRanks, sharing: 0 };
  const gather = localRanks > 1 ? [{ ...inside, combinedBytes: inside.bytes }] : [];
  const handOut = localRanks > 1 ? [{ ...inside, combinedBytes: 0 }] : [];
  if (hosts < 2) return [...gather, ...handOut];
  const between = { ranks: hosts, localRanks: 1 };
  // All slices of a host go across at the same time.
  const { latencySeconds, secondsPerByte } = network.across;
  const share = { ...network, across: { latencySeconds, secondsPerByte: secondsPerByte * localRanks } };
  const slice = bytes / localRanks;
  const ways = (['ring', 'recursive-doubling', 'halving-doubling'] as const).map((name) => ({
    name,
    seconds: allreduceSeconds(name, between, slice, share),
  }));
  const best = ways.reduce((fastest, next) => (next.seconds < fastest.seconds ? next : fastest)).name;
  const across = phasesOf(best, between, slice, share).map((phase) => ({ ...phase, sharing: localRanks }));
  return [...gather, ...across, ...handOut];
}
