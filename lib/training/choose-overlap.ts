import { onOneHost, type Place } from '../places.js';

/** What overlap takes of a rank's processors while backward computes: a whole one, beside at least one that computes. */
const enoughProcessors = 2;

/** Whether gradients are reduced while backward computes others, where nobody says, and why: of one ring the same on all its ranks. */
export interface OverlapChoice {
  readonly overlap: boolean;
  readonly why: string;
}

/**
 * Overlap hides communication behind backward. Through a network that mostly waits. Inside a host it is work for processors, and where a rank has none
 * to spare that work is taken from backward: then one reduction at the end is faster.
 *
 * @param places - of the ranks that reduce together, the first of which decides
 */
export function chooseOverlap(places: readonly Place[]): OverlapChoice {
  if (!onOneHost(places)) return { overlap: true, why: 'ranks are on several hosts' };
  const { processors } = places[0]!;
  const has = `the first rank has ${Math.round(processors * 10) / 10} of its host's processors for itself`;
  return processors < enoughProcessors ? { overlap: false, why: `${has}, none to spare` } : { overlap: true, why: has };
}
