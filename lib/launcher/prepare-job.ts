import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { encryptsBy } from '../config.js';
import { StoreServer } from '../net/store-server.js';
import { settings } from '../settings.js';
import { assignRanks, type Placement } from './assign-ranks.js';
import { chooseAddresses } from './choose-addresses.js';
import { prepareClusterJob } from './cluster/prepare-cluster-job.js';
import { contactHosts, type ContactedHosts } from './contact-hosts.js';
import { travellingEnvironment } from './environment.js';
import { joinNodes } from './join-nodes.js';
import type { LaunchOptions } from './launch-options.js';
import { planRanks } from './plan-ranks.js';
import { hostPort, loopback, type PreparedJob } from './prepared-job.js';
import { resolveSlots } from './resolve-slots.js';
import { nodeArguments, scriptFile } from './script.js';
import type { JobSecret } from './secret.js';
import { assignServers, planServers } from './servers.js';

export interface Means {
  readonly secret: JobSecret;
  /** Tells the user a line. */
  readonly say: (line: string) => void;
}

/** @throws as `launch` */
export async function prepareJob(options: LaunchOptions, { secret, say }: Means): Promise<PreparedJob> {
  const cwd = options.cwd ?? process.cwd();
  const commandLine = [options.script, ...(options.scriptArgs ?? [])] as const;
  const command = nodeArguments(commandLine, cwd);
  const script = scriptFile(commandLine, cwd);
  const environment = { ...process.env, ...options.environment };
  const encrypt = encryptsBy(environment);
  if (options.nodes) return joinNodes(options.nodes, { options, environment, command, cwd, secret });

  const travelling = travellingEnvironment(process.env, options.environment ?? {});
  const timeoutMs = options.startTimeoutMs ?? settings.startTimeoutMs.default;
  const orders = {
    secret: secret.bytes.toString('hex'),
    environment: travelling,
    cwd,
    ...(script === undefined ? {} : { script }),
    silenceMs: silenceMs(environment),
    graceMs: options.stopGraceMs ?? 5000,
  };
  if (options.cluster) return prepareClusterJob(options.cluster, { options, command, orders, timeoutMs, secret, say });

  const specs = options.hosts ?? [{ host: hostname(), slots: options.np ?? 1, mentions: 0 }];
  const ssh = options.ssh ?? {};
  const contacted = await contactHosts(specs, { secret, ssh, timeoutMs, onComplaint: say, orders });
  try {
    const { local, busy, servers } = await place(contacted, options);
    const hosts = [local, ...busy.map(({ host }) => host).filter((host) => host !== local)];
    const addresses = hosts.length === 1 ? [loopback] : await chooseAddresses(hosts, options.networkInterfaces);
    const jobId = randomUUID();
    const store = await StoreServer.listen({ host: addresses[0]!, jobId, secret: secret.bytes, encrypt });
    for (const [key, value] of Object.entries(options.values ?? {})) store.set(key, value);
    const plan = {
      ...{ command, cwd, jobId, nodeArguments: command },
      store: hostPort(addresses[0]!, store.port),
      bindTo: options.bindTo ?? 'auto',
      oversubscribe: options.oversubscribe ?? false,
      servers: servers.length,
      ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
    };
    const shares = busy.map(({ host, placements }) => {
      const own = { ...plan, environment: host === local ? environment : travelling };
      const address = addresses[hosts.indexOf(host)]!;
      const beside = { cpus: host.facts.cpus.length, address, servers: servers.length };
      const ofHost = servers.filter(on(placements[0]!.host));
      const starts = [...planRanks(placements, host.facts, address, own), ...planServers(ofHost, beside, own)];
      return { host, starts };
    });
    return { jobId, store: plan.store, hosts, shares, values: () => store.values(), close: () => store.close() };
  } catch (error) {
    for (const host of [contacted.local, ...contacted.named.map((one) => one.host)]) host.abandon();
    throw error;
  }
}

/** Gives each host its ranks, and lets go of those that get none. */
async function place({ local, named }: ContactedHosts, options: LaunchOptions) {
  const slots = named.map(({ spec, host }) => resolveSlots(spec, options.nprocPerNode, host.facts));
  const np = options.np ?? slots.reduce((sum, one) => sum + one.slots, 0);
  const placements = assignRanks(slots, np, options);
  const shares = named.map(({ spec, host }) => ({ host, placements: placements.filter(on(spec.host)) }));
  const idle = shares.filter((share) => share.placements.length === 0 && share.host !== local);
  await Promise.all(idle.map(({ host }) => host.close()));
  const servers = assignServers(placements, options.servers ?? 0);
  return { local, busy: shares.filter((share) => share.placements.length > 0), servers };
}

function on(name: string): (placement: Placement) => boolean {
  return ({ host }) => host === name;
}

/** The silence that ranks take for death counts for hosts, too. */
function silenceMs(environment: NodeJS.ProcessEnv): number {
  const { fromText, schema, default: fallback } = settings.heartbeatTimeoutMs;
  const parsed = schema.safeParse(fromText(environment['TSRING_HEARTBEAT_TIMEOUT_MS'] ?? ''));
  return parsed.success ? parsed.data : fallback; // a wrong value is refused by the ranks, which name it
}
