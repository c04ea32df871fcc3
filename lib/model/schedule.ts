import type { CollectiveName } from './allreduce-cost.js';
import { bestCollective } from './allreduce-cost.js';
import type { Network, Shape } from './network.js';

export interface Message {
  readonly to: number;
  readonly bytes: number;
  /** How many of its host's ranks use the link to other hosts at the same time; 0: inside the host. */
  readonly sharing: number;
}

/** What one endpoint does from one wait to the next: sends, then waits for a message of each of these, then adds what came. */
export interface Round {
  readonly sends: readonly Message[];
  readonly receivesFrom: readonly number[];
  readonly combinedBytes: number;
}

/** The rounds of each endpoint. */
export type Schedule = readonly (readonly Round[])[];

/** Every message of an allreduce, by who sends what to whom, and not by the formulas of its cost. */
export function scheduleOf(name: CollectiveName, shape: Shape, bytes: number, network: Network): Schedule {
  const everyone = [...Array(shape.ranks).keys()];
  if (shape.ranks < 2) return everyone.map(() => []);
  switch (name) {
    case 'ring':
      return everyone.map((rank) => ringRounds(rank, shape, bytes));
    case 'recursive-doubling':
    case 'halving-doubling':
      return pairedRounds(name, shape, bytes);
    case 'two-level':
      return everyone.map((rank) => twoLevelRounds(rank, shape, bytes, network));
  }
}

/**
 * Of parameter servers, as `serverSeconds` has it: hosts of ranks first, then servers. A host sends its ranks' gradients one after the
 * other, and each host begins with another server, so that not all call the same at once.
 */
export function serverSchedule({ ranks, localRanks }: Shape, servers: number, bytes: number): Schedule {
  const hosts = ranks / localRanks;
  const part = (localRanks * bytes) / servers;
  const from = (start: number, count: number, offset: number): Message[] =>
    Array.from({ length: count }, (_, i) => ({ to: offset + ((start + i) % count), bytes: part, sharing: 1 }));
  return [
    ...Array.from({ length: hosts }, (_, host) => [
      { sends: from(host, servers, hosts), receivesFrom: numbers(servers, hosts), combinedBytes: 0 },
    ]),
    ...Array.from({ length: servers }, (_, server) => [
      { sends: [], receivesFrom: numbers(hosts), combinedBytes: hosts * part },
      { sends: from(server, hosts, 0), receivesFrom: [], combinedBytes: 0 },
    ]),
  ];
}

function ringRounds(rank: number, shape: Shape, bytes: number): Round[] {
  const { ranks } = shape;
  const part = bytes / ranks;
  const to = (rank + 1) % ranks;
  const message = { to, bytes: part, sharing: sameHost(rank, to, shape) ? 0 : 1 };
  const receivesFrom = [(rank + ranks - 1) % ranks];
  return Array.from({ length: 2 * (ranks - 1) }, (_, i) => ({
    ...{ sends: [message], receivesFrom, combinedBytes: i < ranks - 1 ? part : 0 },
  }));
}

function pairedRounds(name: 'recursive-doubling' | 'halving-doubling', shape: Shape, bytes: number): Round[][] {
  const { ranks, localRanks } = shape;
  const seats = 2 ** Math.floor(Math.log2(ranks));
  const message = (from: number, to: number, size: number): Message => ({
    ...{ to, bytes: size, sharing: sameHost(from, to, shape) ? 0 : localRanks },
  });
  return Array.from({ length: ranks }, (_, rank) => {
    if (rank >= seats) {
      const seat = rank - seats;
      return [{ sends: [message(rank, seat, bytes)], receivesFrom: [seat], combinedBytes: 0 }];
    }
    const guest = rank + seats < ranks ? rank + seats : undefined;
    const exchange = (distance: number, size: number, combine: boolean): Round => ({
      sends: [message(rank, rank ^ distance, size)],
      ...{ receivesFrom: [rank ^ distance], combinedBytes: combine ? size : 0 },
    });
    const distances = Array.from({ length: Math.log2(seats) }, (_, i) => 2 ** i);
    const between =
      name === 'recursive-doubling'
        ? distances.map((distance) => exchange(distance, bytes, true))
        : [
            ...[...distances].reverse().map((distance) => exchange(distance, (bytes * distance) / seats, true)),
            ...distances.map((distance) => exchange(distance, (bytes * distance) / seats, false)),
          ];
    if (guest === undefined) return between;
    const takeIn = { sends: [], receivesFrom: [guest], combinedBytes: bytes };
    const giveBack = { sends: [message(rank, guest, bytes)], receivesFrom: [], combinedBytes: 0 };
    return [takeIn, ...between, giveBack];
  });
}

function twoLevelRounds(rank: number, { ranks, localRanks }: Shape, bytes: number, network: Network): Round[] {
  const place = rank % localRanks;
  const host = (rank - place) / localRanks;
  const slice = bytes / localRanks;
  const neighbours = Array.from(
    { length: localRanks - 1 },
    (_, i) => host * localRanks + ((place + 1 + i) % localRanks),
  );
  const inside = (combine: boolean): Round => ({
    sends: neighbours.map((to) => ({ to, bytes: slice, sharing: 0 })),
    receivesFrom: neighbours,
    combinedBytes: combine ? (localRanks - 1) * slice : 0,
  });
  const between = { ranks: ranks / localRanks, localRanks: 1 };
  const inPlace = (other: number) => other * localRanks + place;
  const { latencySeconds, secondsPerByte } = network.across;
  const share = { ...network, across: { latencySeconds, secondsPerByte: secondsPerByte * localRanks } };
  const across = scheduleOf(bestCollective(between, slice, share), between, slice, share)[host]!.map((round) => ({
    ...round,
    sends: round.sends.map(({ to, bytes: size }) => ({ to: inPlace(to), bytes: size, sharing: localRanks })),
    receivesFrom: round.receivesFrom.map(inPlace),
  }));
  return localRanks > 1 ? [inside(true), ...across, inside(false)] : across;
}

function sameHost(a: number, b: number, { localRanks }: Shape): boolean {
  return Math.floor(a / localRanks) === Math.floor(b / localRanks);
}

function numbers(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
