import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Equal for processes that can share memory, and different otherwise: of one boot of one machine, where they see each other's processes
 * and network as their own. Containers and emulated hosts on one machine differ. Systems without /proc share with nobody.
 */
export function hostId(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return [boot, readlinkSync('/proc/self/ns/pid'), readlinkSync('/proc/self/ns/net')].join(' ');
  } catch {
    return randomUUID();
  }
}
