import { InvalidArgumentError, Option } from 'commander';
import { RingError } from '../../errors.js';
import type { ClusterOptions } from './cluster-options.js';

/** What the parser makes of flags about clusters. */
export interface ClusterFlags {
  readonly spark?: string;
  readonly sparkConf: Readonly<Record<string, string>>;
  readonly ray?: string;
  readonly rayResources?: Readonly<Record<string, string>>;
}

export function clusterFlags(): Option[] {
  return [
    new Option(
      '--spark <master>',
      'start each rank in a task of Spark, all in one barrier stage: spark://host:7077, yarn, k8s://..., local[4]',
    ),
    new Option('--spark-conf <name=value>', 'a property of Spark (repeatable)').default({}, 'none').argParser(property),
    new Option('--ray <address>', 'start each rank in a task of Ray: host:6379, auto, or local for this machine'),
    new Option(
      '--ray-resources <name=count,...>',
      'what each rank takes (default: CPU=1), for instance CPU=4,GPU=1',
    ).argParser(resources),
  ];
}

/** Flags that say where ranks go, or what else is not ours to say in a cluster, as the parser has them. */
interface OtherFlags {
  readonly numProc?: number;
  readonly hosts?: unknown;
  readonly hostfile?: unknown;
  readonly nnodes?: number;
  readonly nprocPerNode?: unknown;
  readonly bindTo?: string;
  readonly sshPort?: unknown;
  readonly sshIdentityFile?: unknown;
}

/** @throws RING_INVALID_ARGUMENT where flags contradict each other, or `-np` is missing */
export function clusterOf(flags: ClusterFlags & OtherFlags): ClusterOptions | undefined {
  const { spark, ray, sparkConf, rayResources } = flags;
  if (spark === undefined && Object.keys(sparkConf).length > 0) throw wrong('--spark-conf goes with --spark');
  if (ray === undefined && rayResources !== undefined) throw wrong('--ray-resources goes with --ray');
  if (spark === undefined && ray === undefined) return undefined;
  if (spark !== undefined && ray !== undefined) throw wrong('--spark and --ray both say where; give one of them');
  const flag = spark === undefined ? '--ray' : '--spark';
  const others: [string, unknown][] = [
    ['--hosts', flags.hosts],
    ['--hostfile', flags.hostfile],
    ['--nnodes', (flags.nnodes ?? 1) > 1 ? flags.nnodes : undefined],
    ['--nproc-per-node', flags.nprocPerNode],
    ['--bind-to', flags.bindTo === 'none' || flags.bindTo === 'auto' ? undefined : flags.bindTo],
    ['--ssh-port', flags.sshPort],
    ['--ssh-identity-file', flags.sshIdentityFile],
  ];
  const other = others.find(([, value]) => value !== undefined);
  if (other) throw wrong(`${other[0]} does not go with ${flag}: the cluster says where ranks go`);
  if (flags.numProc === undefined) throw wrong(`${flag} needs -np, the number of tasks`);
  if (spark !== undefined) return { engine: 'spark', address: spark, settings: sparkConf };
  return { engine: 'ray', address: ray!, settings: rayResources ?? {} };
}

function property(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value] = /^([^=\s]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('name=value is needed');
  return { ...before, [name]: value };
}

function resources(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => /^([^=\s]+)=(\d+(?:\.\d+)?)$/.exec(pair.trim()));
  if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map(([, name, count]) => [name!, count!]));
  throw new InvalidArgumentError('NAME=COUNT, with a comma between several, is needed');
}

function wrong(what: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', what);
}
