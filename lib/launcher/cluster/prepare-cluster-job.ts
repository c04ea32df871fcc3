import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';
import { encryptsBy } from '../../config.js';
import { StoreServer } from '../../net/store-server.js';
import { assignRanks } from '../assign-ranks.js';
import { checkAlike } from '../check-alike.js';
import { chooseAddresses } from '../choose-addresses.js';
import { type HostFacts, hostFacts } from '../host-facts.js';
import type { JobHost, RankStart } from '../job-host.js';
import type { LaunchOptions } from '../launch-options.js';
import { LocalHost } from '../local-host.js';
import { planRanks } from '../plan-ranks.js';
import { hostPort, loopback, type PreparedJob } from '../prepared-job.js';
import type { Orders } from '../agent-messages.js';
import type { RemoteHost } from '../remote-host.js';
import type { JobSecret } from '../secret.js';
import type { ClusterOptions } from './cluster-options.js';
import { contactTasks } from './contact-tasks.js';

export interface ClusterJob {
  readonly options: LaunchOptions;
  /** Arguments of `node`. */
  readonly command: readonly string[];
  readonly orders: Omit<Orders, 'name'>;
  readonly timeoutMs: number;
  readonly secret: JobSecret;
  /** Tells the user a line. */
  readonly say: (line: string) => void;
}

/**
 * A job whose ranks run in tasks of a cluster, one each. Ranks are numbered host by host, in the order of the first task of each, and within
 * a host in the order of tasks; local ranks count those of a host, in whichever of its executors they are.
 *
 * @throws as `launch`
 */
export async function prepareClusterJob(cluster: ClusterOptions, job: ClusterJob): Promise<PreparedJob> {
  const { options, secret, say, command } = job;
  // The tasks' own GPUs count, not what this host shows.
  const environment = { ...job.orders.environment };
  delete environment['CUDA_VISIBLE_DEVICES'];
  Object.assign(environment, options.environment);
  const { agents, failed, close } = await contactTasks(cluster, {
    tasks: options.np!,
    name: `tsrun ${path.basename(options.script)}`,
    orders: { ...job.orders, environment },
    timeoutMs: job.timeoutMs,
    onComplaint: say,
    onLine: options.verbose ? say : () => undefined,
    ...(options.networkInterfaces === undefined ? {} : { networkInterfaces: options.networkInterfaces }),
  });
  const local = new LocalHost(hostname(), hostFacts(process.env), { secret, sharesInput: false });
  let store: StoreServer | undefined;
  try {
    checkAlike([local, ...agents]);
    const groups = groupByHost(agents);
    const reached = [local, ...groups.map(([first]) => first!).filter((agent) => !isSame(agent, local))];
    const addresses = reached.length === 1 ? [loopback] : await chooseAddresses(reached, options.networkInterfaces);
    const addressOf = (agent: JobHost) => addresses[reached.findIndex((host) => isSame(host, agent))]!;
    const jobId = randomUUID();
    store = await StoreServer.listen({
      host: addresses[0]!,
      jobId,
      secret: secret.bytes,
      encrypt: encryptsBy(environment),
    });
    for (const [key, value] of Object.entries(options.values ?? {})) store.set(key, value);
    const plan = {
      ...{ environment, cwd: job.orders.cwd, jobId, nodeArguments: command },
      store: hostPort(addresses[0]!, store.port),
      bindTo: 'none' as const, // which cores is the cluster's business
      oversubscribe: options.oversubscribe ?? false,
      ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
    };
    const slots = groups.map((group, index) => ({ host: String(index), slots: group.length }));
    const placements = assignRanks(slots, agents.length, options);
    const shares = groups.flatMap((group, index) => {
      const { facts } = group[0]!;
      const own = placements
        .filter(({ host }) => host === String(index))
        .map((placement) => ({ ...placement, host: facts.hostname }));
      const starts = planRanks(own, { ...facts, gpus: gpusOf(group) }, addressOf(group[0]!), {
        ...plan,
        ...threadsOf(facts),
      });
      return group.map((host, place) => ({ host, starts: [starts[place]!] satisfies RankStart[] }));
    });
    void failed.then(({ message }) => say(message)); // hosts will be lost for it, and that ends the job
    const { values, close: closeStore } = { values: () => store!.values(), close: () => store!.close() };
    return {
      jobId,
      store: plan.store,
      hosts: [local, ...agents],
      shares,
      values,
      close: async () => {
        await Promise.all([close(), closeStore()]);
      },
    };
  } catch (error) {
    for (const host of [local, ...agents]) host.abandon();
    await Promise.all([close(), store?.close()]);
    throw error;
  }
}

function groupByHost(agents: readonly RemoteHost[]): RemoteHost[][] {
  const groups = new Map<string, RemoteHost[]>();
  for (const agent of agents) {
    const { hostId } = agent.facts;
    groups.set(hostId, [...(groups.get(hostId) ?? []), agent]);
  }
  return [...groups.values()];
}

function isSame(one: JobHost, other: JobHost): boolean {
  return one.facts.hostId === other.facts.hostId;
}

/** A GPU for each local rank: the first of those that the cluster has given to its task, or else one of the host's. */
function gpusOf(group: readonly RemoteHost[]): HostFacts['gpus'] {
  const given = group.flatMap(({ facts }) => (facts.share?.gpus.length ? facts.gpus.slice(0, 1) : []));
  return given.length === group.length ? given : group[0]!.facts.gpus;
}

function threadsOf({ share }: HostFacts): { threads?: number } {
  return share?.cpus === undefined ? {} : { threads: share.cpus };
}
