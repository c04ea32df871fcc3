import { lookup } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';

/** Whether a host's name is one of this host: then no ssh is needed, nor wanted. Names that nobody knows are not. */
export async function isThisHost(name: string): Promise<boolean> {
  if (name === 'localhost' || name === hostname()) return true;
  const own = new Set(Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address)));
  try {
    const found = await lookup(name, { all: true });
    return found.some(({ address }) => own.has(address) || /^127\.|^::1$/.test(address));
  } catch {
    return false; // ssh may know it by its own configuration, and says so if not
  }
}
