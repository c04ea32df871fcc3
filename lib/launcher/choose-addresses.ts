import { RingError } from '../errors.js';
import type { JobHost } from './job-host.js';
import type { ProbeTarget, Reached } from './probe.js';

/** For one connection to answer: hosts of one job are near each other, and a wrong interface often does not answer at all. */
const probeTimeoutMs = 4000;

/**
 * For each host the address that its ranks listen on: one by which all others reach it, tried out before anything starts. The first choice
 * is the one that ssh took, as the route to the host.
 *
 * @param hosts - at least two; the first is this one, where the store is
 * @param interfaces - names to take in place of the route, the first that a host has
 * @throws RING_CONNECT naming who cannot reach whom, at which addresses and ports, and why; RING_INVALID_ARGUMENT: no such interface
 */
export async function chooseAddresses(hosts: readonly JobHost[], interfaces?: readonly string[]): Promise<string[]> {
  const candidates = hosts.map((host, index) => candidatesOf(host, index === 0 ? hosts.slice(1) : [], interfaces));
  try {
    const targets = await Promise.all(
      hosts.map(async (host, index): Promise<ProbeTarget> => {
        const { port, word } = await host.listenForProbes();
        return { host: host.name, addresses: candidates[index]!, port, word };
      }),
    );
    const first = await look(
      hosts,
      targets.map((target) => ({ ...target, addresses: target.addresses.slice(0, 1) })),
    );
    const chosen = targets.map((target) => commonAddress(target, first));
    const open = targets.filter((_, index) => chosen[index] === undefined);
    if (open.length === 0) return chosen as string[];
    const second = await look(hosts, open); // only now, as a wrong interface may take the whole time to not answer
    return targets.map((target, index) => chosen[index] ?? commonAddress(target, second) ?? refuse(target, second));
  } finally {
    for (const host of hosts) host.endProbes();
  }
}

/** How one host sees another. */
interface View extends Reached {
  readonly from: string;
}

/** Every host tries every other. */
async function look(hosts: readonly JobHost[], targets: readonly ProbeTarget[]): Promise<View[]> {
  const views = hosts.map(async (host) => {
    const others = targets.filter((target) => target.host !== host.name);
    return (await host.probe(others, probeTimeoutMs)).map((reached) => ({ from: host.name, ...reached }));
  });
  return (await Promise.all(views)).flat();
}

function commonAddress({ host, addresses }: ProbeTarget, views: readonly View[]): string | undefined {
  const ofHost = views.filter((view) => view.host === host);
  return addresses.find((address) => ofHost.every((view) => view.addresses.includes(address)));
}

function refuse({ host }: ProbeTarget, views: readonly View[]): never {
  const ofHost = views.filter((view) => view.host === host);
  const blind = ofHost.find((view) => view.addresses.length === 0) ?? ofHost.find((view) => view.failures.length > 0);
  const tried =
    blind === undefined || blind.failures.length === 0 ? 'no address but loopback' : blind.failures.join(', ');
  throw new RingError(
    'RING_CONNECT',
    `host ${blind?.from ?? 'of the job'} cannot reach host ${host} (${tried}); check firewalls, or name an interface with --network-interfaces`,
  );
}

/** @param others - of this host: those that know by which of its addresses they were called */
function candidatesOf({ name, facts }: JobHost, others: readonly JobHost[], interfaces?: readonly string[]): string[] {
  const own = facts.interfaces;
  if (interfaces) {
    const chosen = interfaces.find((wanted) => own.some((one) => one.name === wanted));
    if (chosen === undefined) {
      const has = [...new Set(own.map((one) => one.name))].join(', ') || 'none but loopback';
      throw new RingError(
        'RING_INVALID_ARGUMENT',
        `host ${name} has no interface ${interfaces.join(' or ')}; it has ${has}`,
      );
    }
    return own.filter((one) => one.name === chosen).map(({ address }) => address);
  }
  const routes = [facts.route?.to, ...others.map((other) => other.facts.route?.from)];
  const preferred = routes.filter((address) => own.some((one) => one.address === address)) as string[];
  const byFamily = [...own].sort((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')));
  return [...new Set([...preferred, ...byFamily.map(({ address }) => address)])];
}
