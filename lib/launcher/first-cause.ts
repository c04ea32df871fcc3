import type { RankExit } from './job-host.js';

export interface Patience {
  /** After the first failure, how long those that happened with it may take to show. */
  readonly settleMs: number;
  /** How long a witness may be ahead of the rank whose death it reports. */
  readonly witnessMs: number;
}

/**
 * Resolves with the failure that began it all, once one is certain or patience ends; never if all ranks succeed.
 *
 * A dying process closes its sockets before it is gone, so a peer that reads the end of file can be gone first. Hence
 * failures are taken in order of time, but a rank that reports a lost peer is blamed only if no other rank fails.
 *
 * @param isWitness - whether the rank reported RING_PEER_LOST shortly before it ended; asked as late as possible, as its
 *   last words may arrive after its exit
 */
export function firstCause(
  exits: readonly Promise<RankExit>[],
  isWitness: (exit: RankExit) => boolean,
  patience: Patience,
): Promise<RankExit> {
  return new Promise((resolve) => {
    const failures: RankExit[] = [];
    const timers: NodeJS.Timeout[] = [];
    let running = exits.length;
    let settled = false;
    const decide = (final: boolean) => {
      const cause =
        failures.find((failure) => !isWitness(failure)) ?? (final || running === 0 ? failures[0] : undefined);
      if (cause === undefined) return;
      timers.forEach(clearTimeout);
      resolve(cause);
    };
    const settle = () => {
      settled = true;
      decide(false);
    };
    for (const exit of exits) {
      void exit.then((ended) => {
        running--;
        if (isFailure(ended) && failures.push(ended) === 1) {
          timers.push(setTimeout(settle, patience.settleMs), setTimeout(decide, patience.witnessMs, true));
        } else if (settled) {
          decide(false);
        }
      });
    }
  });
}

export function isFailure({ code, signal }: RankExit): boolean {
  return code !== 0 || signal !== null;
}
