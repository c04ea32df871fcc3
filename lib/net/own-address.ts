import { lookup } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';

/**
 * The address that others can reach us at, as far as one can tell from the connection to a server that all reach: our end of it.
 * Where the server is on this host that may be loopback, which says nothing, unless the server was called by such a name; then it is the
 * address of our host's name, or else the first of our interfaces.
 *
 * @param local - our end of the connection
 * @param server - by which name or address it was called
 */
export async function ownAddress(local: string, server: string): Promise<string> {
  if (!isLoopback(local) || isLoopback(server) || server === 'localhost') return local;
  const own = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && !/^fe80:/i.test(one.address))
    .map((one) => one!.address);
  const named = await lookup(hostname(), { all: true }).catch(() => []);
  return named.find(({ address }) => own.includes(address))?.address ?? own[0] ?? local;
}

function isLoopback(address: string): boolean {
  return /^127\.|^::1$/.test(address);
}
