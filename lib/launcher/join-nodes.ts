import { hostname } from 'node:os';
import { RingError } from '../errors.js';
import { encryptsBy } from '../config.js';
import { ownAddress } from '../net/own-address.js';
import { StoreClient } from '../net/store-client.js';
import { StoreServer } from '../net/store-server.js';
import { settings } from '../settings.js';
import { readSecret } from '../secret.js';
import { assignRanks } from './assign-ranks.js';
import { hostFacts } from './host-facts.js';
import { LocalHost } from './local-host.js';
import type { LaunchOptions } from './launch-options.js';
import type { Nodes } from './nodes.js';
import { planRanks } from './plan-ranks.js';
import { hostPort, type PreparedJob } from './prepared-job.js';
import { resolveSlots } from './resolve-slots.js';
import type { JobSecret } from './secret.js';

interface NodeJob {
  readonly options: LaunchOptions;
  readonly environment: NodeJS.ProcessEnv;
  /** Arguments of `node`. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly secret: JobSecret;
}

/**
 * This node's part of a job whose nodes someone else has started tsrun on. Node 0 serves the store; each node tells there how many ranks
 * it has, and so all know where their ranks begin.
 *
 * @throws RING_CONFIG: there is no common secret; RING_CONNECT, RING_TIMEOUT, RING_HANDSHAKE: the nodes do not meet
 */
export async function joinNodes(nodes: Nodes, job: NodeJob): Promise<PreparedJob> {
  const { options, secret } = job;
  if (readSecret(undefined, process.env) === undefined) {
    const ways = 'TSRING_SECRET_FILE, a file of 64 hex digits that only you can read, or TSRING_SECRET';
    throw new RingError('RING_CONFIG', `nodes that are started by hand need a common job secret: set ${ways}`);
  }
  const { jobId, endpoint } = nodes;
  const timeoutMs = options.startTimeoutMs ?? settings.startTimeoutMs.default;
  const credentials = { jobId, secret: secret.bytes, encrypt: encryptsBy(job.environment) };
  const facts = hostFacts(job.environment);
  const local = new LocalHost(hostname(), facts, { secret, sharesInput: true });
  let store: StoreServer | undefined;
  try {
    if (nodes.rank === 0) store = await StoreServer.listen({ ...credentials, port: endpoint.port });
    const at = { ...endpoint, ...credentials, rank: nodes.rank, generation: 0, timeoutMs, awaitServer: true };
    const client = await StoreClient.connect(at);
    const address = await ownAddress(client.localAddress, endpoint.host);
    const slots = await tellSlots(client, nodes, slotsOf(options, facts), timeoutMs).finally(() => client.close());
    const placements = assignRanks(
      slots.map((count, node) => ({ host: String(node), slots: count })),
      slots.reduce((sum, count) => sum + count, 0),
    );
    const own = placements.filter(({ host }) => host === String(nodes.rank));
    const starts = planRanks(
      own.map((placement) => ({ ...placement, host: hostname() })),
      facts,
      address,
      {
        ...{ environment: job.environment, nodeArguments: job.command, cwd: job.cwd, jobId },
        store: hostPort(endpoint.host, endpoint.port),
        bindTo: options.bindTo ?? 'auto',
        oversubscribe: options.oversubscribe ?? false,
        ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
      },
    );
    return {
      jobId,
      store: hostPort(endpoint.host, endpoint.port),
      hosts: [local],
      shares: [{ host: local, starts }],
      values: () => store?.values() ?? new Map<string, string>(),
      close: async () => store?.close(),
    };
  } catch (error) {
    local.abandon();
    await store?.close();
    throw error;
  }
}

function slotsOf(options: LaunchOptions, facts: Parameters<typeof resolveSlots>[2]): number {
  const slots = options.np ?? options.nprocPerNode ?? 1;
  return resolveSlots({ host: hostname(), slots, mentions: 0 }, undefined, facts).slots;
}

/** Every node's number of slots, in their order. */
async function tellSlots(client: StoreClient, nodes: Nodes, slots: number, timeoutMs: number): Promise<number[]> {
  const keys = Array.from({ length: nodes.count }, (_, node) => `node/${node}`);
  await client.set(keys[nodes.rank]!, String(slots));
  return (await client.waitAll(keys, timeoutMs)).map(Number);
}
