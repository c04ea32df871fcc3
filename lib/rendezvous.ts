import os from 'node:os';
import type { Config, Rendezvous } from './config.js';
import { checkEqualSettings, equalSettingsOf, type EqualSettings } from './equal-settings.js';
import { RingError } from './errors.js';
import type { NativeSession, PeerAddress } from './native/binding.js';
import { hostId } from './host-id.js';
import { StoreClient } from './net/store-client.js';
import { type Place, placesOf } from './places.js';
import type { ProcessSet } from './process-set.js';
import { allowedProcessors, formatCpuList } from './processors.js';

/** What a rank tells the others. */
interface Introduction extends PeerAddress {
  /** `0,1;2,3`, those that its init was given. */
  readonly processSets: string;
  readonly settings: EqualSettings;
  /** Those that it may run on, as the kernel lists them. */
  readonly processors: string;
}

/**
 * Links `native` up with all other ranks: each tells the job's store where it listens, waits for all others to do so, and connects.
 * All of it within `config.startTimeoutMs`. The caller closes `native` on failure.
 *
 * @returns where each rank runs
 * @throws {RingError} `RING_MISMATCH` on all ranks where they were not given the same process sets; as `init`
 */
export async function joinRing(
  native: NativeSession,
  config: Config,
  generation: number,
  sets: readonly ProcessSet[],
): Promise<Place[]> {
  const { rendezvous, startTimeoutMs } = config;
  const deadline = performance.now() + startTimeoutMs;
  const leftMs = () => Math.max(1, Math.ceil(deadline - performance.now()));
  const processors = formatCpuList(allowedProcessors());
  if (rendezvous === undefined || config.size === 1) {
    const alone = { host: '', port: 0, hostname: os.hostname(), hostId: '' };
    await native.connect([alone], leftMs());
    return placesOf([{ ...alone, processors }]);
  }

  const { store: at, jobId, secret } = rendezvous;
  const { rank, encrypt } = config;
  const store = await StoreClient.connect({ ...at, jobId, secret, encrypt, rank, generation, timeoutMs: leftMs() });
  try {
    const processSets = sets.map(({ ranks }) => ranks.join()).join(';');
    const told = { processSets, settings: equalSettingsOf(config), processors };
    const own: Introduction = { ...addressOf(native, rendezvous), ...told };
    await store.set(addressKey(generation, config.rank), JSON.stringify(own));
    const peers = await waitForPeers(store, config, generation, leftMs());
    checkSameSets(peers);
    checkEqualSettings(peers.map(({ settings }) => settings));
    await native.connect(peers, leftMs());
    return placesOf(peers);
  } finally {
    store.close();
  }
}

function addressOf(native: NativeSession, { host }: Rendezvous): PeerAddress {
  return { host, port: native.listen(host), hostname: os.hostname(), hostId: hostId() };
}

function checkSameSets(peers: readonly Introduction[]): void {
  const [first] = peers;
  const other = peers.findIndex(({ processSets }) => processSets !== first!.processSets);
  if (other < 0) return;
  const [mine, theirs] = [first!, peers[other]!].map(({ processSets }) => processSets || 'none');
  throw new RingError(
    'RING_MISMATCH',
    `init: rank 0 was given the process sets ${mine}, rank ${other} ${theirs}; give all ranks the same, in the same order`,
  );
}

async function waitForPeers(
  store: StoreClient,
  config: Config,
  generation: number,
  timeoutMs: number,
): Promise<Introduction[]> {
  const keys = Array.from({ length: config.size }, (_, rank) => addressKey(generation, rank));
  try {
    const addresses = await store.waitAll(keys, timeoutMs);
    return addresses.map((address) => JSON.parse(address) as Introduction);
  } catch (error) {
    if (error instanceof RingError && error.code === 'RING_TIMEOUT') throw missingRanks(keys, error, config);
    throw error;
  }
}

/** The store speaks of keys, a user of ranks. */
function missingRanks(keys: readonly string[], error: RingError, config: Config): RingError {
  const named = new Set(error.message.match(/address\/\d+\/\d+/g));
  const missing = keys.flatMap((key, rank) => (named.has(key) ? [rank] : []));
  if (missing.length === 0) return error; // it is the store that does not answer
  const who = missing.length === 1 ? `rank ${missing.join()}` : `ranks ${missing.join(', ')}`;
  return new RingError(
    'RING_TIMEOUT',
    `init: ${who} of ${config.size} did not arrive within ${config.startTimeoutMs} ms; ` +
      'did their scripts fail or take longer to start (TSRING_START_TIMEOUT_MS)? every rank must call init',
    { cause: error },
  );
}

function addressKey(generation: number, rank: number): string {
  return `address/${generation}/${rank}`;
}
