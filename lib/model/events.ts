import type { Network } from './network.js';
import type { Schedule } from './schedule.js';

/**
 * Plays a schedule event by event. An endpoint sends one message after the other and takes them in one after the other, both at the same
 * time; it goes on to its next round when all that it waits for is there and added up.
 *
 * @param starts - when each endpoint comes, in seconds; absent: all at 0
 * @returns when each has its result
 */
export function playEvents(schedule: Schedule, network: Network, starts: readonly number[] = []): number[] {
  const endpoints = schedule.map((rounds, i) => ({
    ...{ rounds, sendFree: 0, receiveFree: 0 },
    /** The one it is in; between two while it adds up what came. */
    round: -1,
    /** How many messages of each sender are there that no round has taken. */
    arrived: new Map<number, number>(),
    ended: starts[i] ?? 0,
  }));
  const queue = new EventQueue();
  endpoints.forEach(({ ended: start }, i) => queue.add(start, () => begin(i, start)));
  queue.run();
  return endpoints.map(({ ended }) => ended);

  function begin(index: number, now: number): void {
    const endpoint = endpoints[index]!;
    endpoint.round = Math.floor(endpoint.round) + 1;
    endpoint.ended = now;
    const round = endpoint.rounds[endpoint.round];
    if (round === undefined) return;
    for (const { to, bytes, sharing } of round.sends) {
      const link = sharing > 0 ? network.across : network.local;
      const busy = bytes * link.secondsPerByte * Math.max(1, sharing);
      const departs = Math.max(now, endpoint.sendFree);
      endpoint.sendFree = departs + busy;
      queue.add(departs + link.latencySeconds, (reaches) => {
        const receiver = endpoints[to]!;
        receiver.receiveFree = Math.max(reaches, receiver.receiveFree) + busy;
        queue.add(receiver.receiveFree, (there) => {
          receiver.arrived.set(index, (receiver.arrived.get(index) ?? 0) + 1);
          goOn(to, there);
        });
      });
    }
    goOn(index, now);
  }

  /** To the next round, if all that this one waits for is there. */
  function goOn(index: number, now: number): void {
    const { rounds, round: number, arrived } = endpoints[index]!;
    const round = rounds[number];
    if (round === undefined || round.receivesFrom.some((sender) => !arrived.get(sender))) return;
    for (const sender of round.receivesFrom) arrived.set(sender, arrived.get(sender)! - 1);
    const done = now + round.combinedBytes * network.combineSecondsPerByte;
    endpoints[index]!.round = number + 0.5;
    queue.add(done, (then) => begin(index, then));
  }
}

/** Carries out what is due, the earliest first. */
class EventQueue {
  /** A heap: none is later than those at twice its place, from 1. */
  private readonly heap: { readonly at: number; readonly order: number; readonly action: (now: number) => void }[] = [];
  private added = 0;

  add(at: number, action: (now: number) => void): void {
    const { heap } = this;
    heap.push({ at, order: this.added++, action });
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!this.isBefore(i, parent)) break;
      this.swap(i, parent);
      i = parent;
    }
  }

  run(): void {
    for (let next = this.take(); next !== undefined; next = this.take()) next.action(next.at);
  }

  private take() {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ;) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && this.isBefore(left, least)) least = left;
      if (right < heap.length && this.isBefore(right, least)) least = right;
      if (least === i) return first;
      this.swap(i, least);
      i = least;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const [x, y] = [this.heap[a]!, this.heap[b]!];
    return x.at < y.at || (x.at === y.at && x.order < y.order);
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}
