import { RingError } from '../errors.js';
import type { HostFacts } from './host-facts.js';
import type { JobHost } from './job-host.js';

/**
 * Ranks of one job must speak one language.
 *
 * @throws RING_LAUNCH naming two hosts and what differs
 */
export function checkAlike(hosts: readonly JobHost[]): void {
  const [first] = hosts as [JobHost];
  const told: [name: string, of: (facts: HostFacts) => string][] = [
    ['tsring', ({ tsringVersion }) => tsringVersion],
    ['the platform', ({ platform }) => platform],
    ['the major version of Node', ({ nodeVersion }) => nodeVersion.split('.')[0]!],
  ];
  for (const host of hosts) {
    for (const [what, of] of told) {
      const [here, there] = [of(first.facts), of(host.facts)];
      if (here !== there)
        throw wrong(`${what} is ${here} on ${first.name} and ${there} on ${host.name}; all hosts need the same`);
    }
  }
}

/**
 * A host that is there twice would have two ranks for each core and GPU.
 *
 * @throws RING_LAUNCH naming both
 */
export function checkDistinct(hosts: readonly JobHost[]): void {
  for (const [index, host] of hosts.entries()) {
    const twin = hosts.slice(0, index).find(({ facts }) => facts.hostId === host.facts.hostId);
    if (twin) throw wrong(`${twin.name} and ${host.name} are one host; name it once, with the slots of both`);
  }
}

function wrong(what: string): RingError {
  return new RingError('RING_LAUNCH', what);
}
