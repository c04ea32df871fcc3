import { RingError } from '../errors.js';
import type { Numbered } from './process-names.js';

export interface HostSlots {
  readonly host: string;
  /** How many ranks the host takes. */
  readonly slots: number;
  /** How many it takes at most, with `oversubscribe`. Absent: any number. */
  readonly maxSlots?: number;
}

/** One rank's place. `cross` counts the hosts that have a rank with this local rank, as Horovod does. */
export interface Placement extends Numbered {
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly crossRank: number;
  readonly crossSize: number;
  readonly host: string;
}

export interface Assignment {
  /** `slot`, the default, fills one host after the other; `node` deals ranks out to the hosts in turn. */
  readonly mapBy?: 'slot' | 'node';
  /** More ranks than slots are dealt out to the hosts in turn, up to their `maxSlots`. */
  readonly oversubscribe?: boolean;
}

/**
 * Gives every rank a host, each host up to its slots.
 *
 * @param np - at least 1
 * @returns `np` placements, in order of rank
 * @throws RING_INVALID_ARGUMENT if there are fewer slots than ranks
 */
export function assignRanks(hosts: readonly HostSlots[], np: number, how: Assignment = {}): Placement[] {
  const counts = countRanks(hosts, np, how);
  const byHost = counts.map((count, hostIndex) =>
    Array.from({ length: count }, (_, localRank) => ({ hostIndex, localRank })),
  );
  const order = byHost.flat();
  if (how.mapBy === 'node') order.sort((a, b) => a.localRank - b.localRank || a.hostIndex - b.hostIndex);
  return order.map(({ hostIndex, localRank }, rank) => {
    const alike = (some: readonly number[]) => some.filter((count) => count > localRank).length;
    return {
      rank,
      size: np,
      localRank,
      localSize: counts[hostIndex]!,
      crossRank: alike(counts.slice(0, hostIndex)),
      crossSize: alike(counts),
      host: hosts[hostIndex]!.host,
    };
  });
}

/** How many ranks each host gets. */
function countRanks(hosts: readonly HostSlots[], np: number, { mapBy, oversubscribe }: Assignment): number[] {
  const counts = hosts.map(() => 0);
  let left = np;
  const deal = (roomOf: (host: HostSlots) => number) => {
    for (let dealt = true; left > 0 && dealt;) {
      dealt = false;
      for (const [index, host] of hosts.entries()) {
        if (left === 0 || counts[index]! >= roomOf(host)) continue;
        counts[index]!++;
        left--;
        dealt = true;
      }
    }
  };
  if (mapBy === 'node') {
    deal(({ slots }) => slots);
  } else {
    for (const [index, { slots }] of hosts.entries()) {
      counts[index] = Math.min(slots, left);
      left -= counts[index];
    }
  }
  if (oversubscribe) deal(({ maxSlots }) => maxSlots ?? Infinity);
  if (left > 0) throw tooFew(hosts, np, oversubscribe ?? false);
  return counts;
}

function tooFew(hosts: readonly HostSlots[], np: number, oversubscribe: boolean): RingError {
  const list = hosts
    .map(({ host, slots, maxSlots }) => `${host}:${oversubscribe ? (maxSlots ?? slots) : slots}`)
    .join(', ');
  const sum = hosts.reduce((all, { slots, maxSlots }) => all + (oversubscribe ? (maxSlots ?? slots) : slots), 0);
  const wayOut = oversubscribe
    ? '; max_slots of the hostfile holds with --oversubscribe too'
    : '; --oversubscribe puts more on each';
  return new RingError(
    'RING_INVALID_ARGUMENT',
    `${np} ranks do not fit into the ${sum} slots of the hosts (${list})${wayOut}`,
  );
}
