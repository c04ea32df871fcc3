import type { NativeSession } from '../../lib/native/binding.js';
import { loadAddon } from '../../lib/native/load.js';

/** Sessions of one ring, all in this process: index is rank. */
export async function ringOf(size: number): Promise<NativeSession[]> {
  const { Session } = loadAddon();
  const sessions = Array.from({ length: size }, (_, rank) => {
    const limits = {
      timeoutMs: 10_000,
      heartbeatTimeoutMs: 10_000,
      fusionThresholdBytes: 1 << 20,
      cacheCapacity: 16,
      transport: 'auto' as const,
      sockets: 1,
      mostSockets: 1,
    };
    const job = { jobId: 'test', secret: new Uint8Array(32).fill(7), generation: 0, hostname: 'here' };
    return new Session({ rank, size, ...job, ...limits, logLevel: 'error', encrypt: false });
  });
  const peers = sessions.map((session) => ({
    host: '127.0.0.1',
    port: session.listen('127.0.0.1'),
    hostname: 'here',
    hostId: 'here',
  }));
  await Promise.all(sessions.map((session) => session.connect(peers, 10_000)));
  return sessions;
}

export async function closeAll(sessions: readonly NativeSession[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.close()));
}
