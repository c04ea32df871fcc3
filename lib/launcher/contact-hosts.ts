import { hostname } from 'node:os';
import { checkAlike, checkDistinct } from './check-alike.js';
import { hostFacts } from './host-facts.js';
import type { HostSpec } from './hosts.js';
import type { JobHost } from './job-host.js';
import { LocalHost } from './local-host.js';
import { isThisHost } from './local-names.js';
import { RemoteHost, type RemoteOptions } from './remote-host.js';
import type { JobSecret } from './secret.js';
import { sshLink, type SshOptions } from './ssh.js';

export interface Contact extends Omit<RemoteOptions, 'orders'> {
  readonly orders: Omit<RemoteOptions['orders'], 'name'>;
  readonly ssh: SshOptions;
  readonly secret: JobSecret;
}

export interface ContactedHosts {
  /** This host, which serves the store, whether it has ranks or not. */
  readonly local: LocalHost;
  /** In the order in which the user names them, this one once, if it is named. */
  readonly named: readonly { readonly spec: HostSpec; readonly host: JobHost }[];
}

/**
 * Connects to all hosts but this one at once, and learns what they are.
 *
 * @throws the failure of the first that cannot be used, with those of others told before, and all let go; RING_LAUNCH for hosts that cannot be in one job
 */
export async function contactHosts(specs: readonly HostSpec[], contact: Contact): Promise<ContactedHosts> {
  const facts = hostFacts(contact.orders.environment);
  const local = new LocalHost(hostname(), facts, { secret: contact.secret, sharesInput: true });
  const sorted = await Promise.all(specs.map(async (spec) => ({ spec, isHere: await isThisHost(spec.host) })));
  const remote = sorted.filter(({ isHere }) => !isHere);
  const connections = await Promise.allSettled(
    remote.map(({ spec: { host } }) =>
      RemoteHost.connect(host, sshLink(host, contact.ssh, contact.timeoutMs), {
        ...contact,
        orders: { ...contact.orders, name: host },
      }),
    ),
  );
  const connected = connections.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const hosts: JobHost[] = [local, ...connected];
  try {
    const failures = connections.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    const [first, ...others] = failures;
    for (const { message } of others) contact.onComplaint(message);
    if (first) throw first;
    checkAlike(hosts);
    checkDistinct(hosts);
  } catch (error) {
    for (const host of hosts) host.abandon();
    throw error;
  }
  return { local, named: inOrder(sorted, local, connected) };
}

function inOrder(
  sorted: readonly { spec: HostSpec; isHere: boolean }[],
  local: JobHost,
  connected: readonly JobHost[],
) {
  const rest = [...connected];
  const here = sorted.filter(({ isHere }) => isHere).map(({ spec }) => spec);
  return sorted.flatMap(({ spec, isHere }) => {
    if (!isHere) return [{ spec, host: rest.shift()! }];
    return spec === here[0] ? [{ spec: merged(here), host: local }] : [];
  });
}

/** Several names of this host are one host. */
function merged(specs: readonly HostSpec[]): HostSpec {
  const [first, ...others] = specs as [HostSpec, ...HostSpec[]];
  return others.reduce(
    (sum, { slots, mentions }) => ({
      ...sum,
      slots: typeof sum.slots === 'number' && typeof slots === 'number' ? sum.slots + slots : (sum.slots ?? slots),
      mentions: sum.mentions + mentions,
    }),
    first,
  );
}
