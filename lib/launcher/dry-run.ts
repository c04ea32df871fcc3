import { availableParallelism, hostname } from 'node:os';
import { assignRanks } from './assign-ranks.js';
import { travellingEnvironment } from './environment.js';
import { hostFacts } from './host-facts.js';
import type { HostSpec } from './hosts.js';
import type { LaunchOptions } from './launch-options.js';
import { isThisHost } from './local-names.js';
import { planRanks } from './plan-ranks.js';
import { nameOf } from './process-names.js';
import { placementTable } from './report.js';
import { resolveSlots } from './resolve-slots.js';
import { RingError } from '../errors.js';
import { nodeArguments } from './script.js';
import { assignServers, planServers } from './servers.js';
import { shellLine, sshCommand } from './ssh.js';

/**
 * What `launch` would do: the ranks' places, the commands, and the variables that each rank gets. No host is asked, so other hosts are
 * taken to have no GPUs, and addresses are chosen at the start.
 *
 * @throws as `launch` where ranks do not fit, or slots would have to be counted on other hosts
 */
export async function dryRun(options: LaunchOptions): Promise<string> {
  const cwd = options.cwd ?? process.cwd();
  const command = nodeArguments([options.script, ...(options.scriptArgs ?? [])], cwd);
  const environment = { ...process.env, ...options.environment };
  const here = hostFacts(environment);
  const elsewhere = { ...here, gpus: [] };
  const specs = options.hosts ?? [{ host: hostname(), slots: options.np ?? options.nprocPerNode ?? 1, mentions: 0 }];
  const isHere = await Promise.all(specs.map(({ host }) => isThisHost(host)));
  const slots = specs.map((spec, index) => {
    if (!isHere[index]) refuseCounting(spec, options);
    return resolveSlots(spec, options.nprocPerNode, here);
  });
  const np = options.np ?? slots.reduce((sum, one) => sum + one.slots, 0);
  const placements = assignRanks(slots, np, options);
  const servers = assignServers(placements, options.servers ?? 0);
  const starts = specs.flatMap((spec, index) => {
    const plan = {
      ...{ nodeArguments: command, cwd, jobId: 'JOB', store: 'STORE:PORT' },
      environment: isHere[index] ? environment : travellingEnvironment(process.env, options.environment ?? {}),
      bindTo: isHere[index] ? (options.bindTo ?? 'auto') : 'none',
      oversubscribe: options.oversubscribe ?? false,
      servers: servers.length,
    };
    const own = placements.filter(({ host }) => host === spec.host);
    const facts = isHere[index] ? here : elsewhere;
    const address = isHere.every(Boolean) ? '127.0.0.1' : 'ADDRESS';
    const beside = { cpus: facts.cpus.length, address, servers: servers.length };
    const ofHost = servers.filter(({ host }) => host === spec.host);
    return [...planRanks(own, facts, address, plan), ...planServers(ofHost, beside, plan)];
  });
  starts.sort((a, b) => a.placement.rank - b.placement.rank);
  const connections = specs
    .filter(({ host }, index) => !isHere[index] && placements.some((placement) => placement.host === host))
    .map(({ host }) => shellLine(sshCommand(host, options.ssh ?? {}, options.startTimeoutMs ?? 60_000)));
  const variables = starts.map(
    ({ placement, environment: own }) => `${nameOf(placement)}: ${added(own, process.env).join(' ')}`,
  );
  const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [`${title}:`, ...lines, '']);
  return [
    ...section('placement', placementTable(starts)),
    ...section('connections, one a host', connections),
    ...section(`command of each rank, in ${cwd}`, [shellLine([process.execPath, ...command])]),
    ...section('variables, beside those of tsrun itself', variables),
    ...(options.nodes
      ? [`node ${options.nodes.rank} of ${options.nodes.count}: ranks are numbered once all have met\n`]
      : []),
  ].join('\n');
}

function refuseCounting(spec: HostSpec, { nprocPerNode }: LaunchOptions): void {
  const rule = spec.slots ?? nprocPerNode;
  if (typeof rule !== 'string') return;
  const example = `${spec.host}:${availableParallelism()}`;
  throw new RingError(
    'RING_INVALID_ARGUMENT',
    `--dry-run asks no host, so it cannot count there: say --hosts ${example}`,
  );
}

/** What is set or changed. The job's secret is not among it: it goes through a descriptor. */
function added(own: NodeJS.ProcessEnv, before: NodeJS.ProcessEnv): string[] {
  return Object.entries(own)
    .filter(([name, value]) => value !== undefined && (before[name] !== value || name.startsWith('TSRING_')))
    .map(([name, value]) => shellLine([`${name}=${value!}`]));
}
