import { parseCpuList } from './processors.js';

/** Where a rank runs. */
export interface Place {
  /** Equal for ranks that can share memory. */
  readonly hostId: string;
  /** What it has of the processors that it may run on: one that several ranks may run on counts as an equal part for each. */
  readonly processors: number;
}

/** @param said - by each rank of the job; processors as the kernel lists them, `0-3,8` */
export function placesOf(said: readonly { readonly hostId: string; readonly processors: string }[]): Place[] {
  const allowed = said.map(({ hostId, processors }) => parseCpuList(processors).map((cpu) => `${hostId} ${cpu}`));
  const sharers = new Map<string, number>();
  for (const cpu of allowed.flat()) sharers.set(cpu, (sharers.get(cpu) ?? 0) + 1);
  return said.map(({ hostId }, rank) => ({
    hostId,
    processors: rounded(allowed[rank]!.reduce((sum, cpu) => sum + 1 / sharers.get(cpu)!, 0)),
  }));
}

/** Six thirds are two. */
function rounded(count: number): number {
  return Math.round(count * 1e6) / 1e6;
}

export function onOneHost(places: readonly Place[]): boolean {
  return places.every(({ hostId }) => hostId === places[0]!.hostId);
}
