import { hostname } from 'node:os';
import { CommanderError, type Command } from 'commander';
import { RingError } from '../errors.js';
import { clusterOf } from './cluster/cluster-flags.js';
import { readConfigFile } from './config-file.js';
import type { Assignments } from './flag-values.js';
import { describeCommand, type Flags, ignoredNotices } from './flags.js';
import { type HostSpec, readHostfile } from './hosts.js';
import type { LaunchOptions } from './launch-options.js';
import { nearest } from './nearest.js';
import { checkNodes, nodesOf } from './nodes.js';
import { normalizeFlags } from './normalize-flags.js';
import { settingVariables } from './setting-flags.js';

export type ParsedCommand =
  | { readonly kind: 'launch'; readonly options: LaunchOptions }
  /** Print what `launch` would do with these. */
  | { readonly kind: 'dry-run'; readonly options: LaunchOptions }
  | { readonly kind: 'check-build' }
  /** Measure the algorithms on so many ranks; without a file, into the usual one. */
  | { readonly kind: 'tune'; readonly np: number; readonly file: string | undefined }
  /** `--help` and `--version`. */
  | { readonly kind: 'print'; readonly text: string };

/** @throws RING_INVALID_ARGUMENT with one line that says what is wrong and, for a flag we do not know, what comes nearest */
export function parseArguments(argv: readonly string[]): ParsedCommand {
  const first = parse(argv);
  if (first.printed !== undefined) return { kind: 'print', text: first.printed };
  const { config } = first.program.opts<Flags>();
  if (config === undefined) return interpret(first.program.opts<Flags>(), first.program.args);
  const { program } = parse([...readConfigFile(config, first.program.options), ...argv]);
  return interpret(program.opts<Flags>(), program.args);
}

function parse(argv: readonly string[]): { program: Command; printed?: string } {
  let printed = '';
  const program = describeCommand().configureOutput({
    writeOut: (text) => (printed += text),
    writeErr: () => undefined,
  });
  try {
    program.parse(normalizeFlags(program.options, argv), { from: 'user' });
    return { program };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { program, printed };
    throw wrong(explain(error, program));
  }
}

function interpret(flags: Flags, [script, ...scriptArgs]: string[]): ParsedCommand {
  if (flags.checkBuild) return { kind: 'check-build' };
  if (flags.tune || flags.tuneFile !== undefined) return interpretTune(flags, script);
  if (script === undefined) throw wrong(`which script? ${usage}`);
  checkContradictions(flags);
  const hosts = hostsOf(flags);
  const nodes = nodesOf(flags);
  const cluster = clusterOf(flags);
  if (flags.numProc === undefined && hosts === undefined && nodes === undefined)
    throw wrong(`how many ranks? ${usage}`);
  const { variables, notices } = variablesOf(flags.x);
  const options: LaunchOptions = {
    script,
    scriptArgs,
    environment: { ...variables, ...settingVariables({ ...flags }) },
    ...present({ np: flags.numProc, hosts, nodes, cluster, nprocPerNode: flags.nprocPerNode }),
    mapBy: flags.mapBy ?? 'slot',
    oversubscribe: flags.oversubscribe ?? false,
    bindTo: flags.bindTo ?? 'auto',
    ssh: present({ port: flags.sshPort, identityFile: flags.sshIdentityFile }),
    tagOutput: flags.tagOutput ?? true,
    timestamp: flags.timestamp ?? false,
    tee: flags.tee ?? false,
    stopGraceMs: flags.stopGraceMs,
    verbose: flags.verbose ?? false,
    notices: [...ignoredNotices(flags), ...notices],
    ...present({
      networkInterfaces: flags.networkInterfaces,
      servers: flags.ps,
      outputFolder: flags.outputFilename,
      timeoutMs: inMs(flags.timeout),
      startTimeoutMs: inMs(flags.startTimeout),
    }),
  };
  if (flags.dryRun && cluster)
    throw wrong('--dry-run cannot tell where a cluster would put ranks; leave out one of them');
  return { kind: flags.dryRun ? 'dry-run' : 'launch', options };
}

/** Where ranks go; undefined: `-np` of them here. */
function hostsOf(flags: Flags): readonly HostSpec[] | undefined {
  if (flags.hosts) return flags.hosts;
  if (flags.hostfile !== undefined) return readHostfile(flags.hostfile);
  if (flags.nprocPerNode === undefined) return undefined;
  return [{ host: hostname(), slots: flags.nprocPerNode, mentions: 0 }];
}

function checkContradictions(flags: Flags): void {
  const { numProc, nprocPerNode: perNode } = flags;
  if (flags.hosts && flags.hostfile !== undefined)
    throw wrong('--hosts and --hostfile both say where; give one of them');
  if (flags.tee && flags.outputFilename === undefined) throw wrong('--tee goes with --output-filename');
  const isHere = !flags.hosts && flags.hostfile === undefined && (flags.nnodes ?? 1) === 1;
  if (isHere && typeof perNode === 'number' && numProc !== undefined && numProc !== perNode) {
    throw wrong(`-np ${numProc} and --nproc-per-node ${perNode} contradict each other on one host; give one of them`);
  }
  checkNodes(flags);
  if (flags.ps !== undefined && (nodesOf(flags) ?? clusterOf(flags)) !== undefined)
    throw wrong('--ps goes with ranks on this host or by --hosts, not with --nnodes, --spark or --ray');
}

/** mpirun warns of a variable that is not set, and goes on: so must commands that name it. */
function variablesOf(assignments: Assignments): { variables: Record<string, string>; notices: string[] } {
  const entries = Object.entries(assignments);
  const missing = entries.filter(([, value]) => value === undefined).map(([name]) => name);
  return {
    variables: Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    notices: missing.map((name) => `-x ${name}: it is not set here, so it is not passed on`),
  };
}

function interpretTune(flags: Flags, script: string | undefined): ParsedCommand {
  const { tune, numProc, tuneFile } = flags;
  const refuse = (what: string) => wrong(`${what}: tsrun -np 4 --tune [--tune-file FILE]`);
  if (!tune) throw refuse('--tune-file goes with --tune');
  if (script !== undefined) throw refuse('--tune takes no script');
  if (numProc === undefined) throw refuse('how many ranks should measure?');
  if (numProc < 2) throw refuse('one rank alone has nothing to measure');
  if (flags.hosts || flags.hostfile !== undefined) throw refuse('--tune measures this host alone');
  const [setting] = Object.keys(settingVariables({ ...flags }));
  if (setting === 'TSRING_TUNING_FILE') throw refuse('--tuning-file is what a job reads; to write is --tune-file');
  if (setting !== undefined) throw refuse(`--tune measures without settings, so ${setting} is none of its flags`);
  return { kind: 'tune', np: numProc, file: tuneFile };
}

const usage = 'Say for instance: tsrun -np 4 train.js (more with tsrun --help)';

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** Without the properties that are undefined. */
function present<T extends object>(some: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(some).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function explain(error: CommanderError, program: Command): string {
  const message = error.message.replace(/^error: /, '').replace(' is invalid. ', ' is invalid: ');
  if (error.code !== 'commander.unknownOption') return message;
  const flag = /'(.*)'/.exec(message)?.[1] ?? '';
  const known = program.options.flatMap(({ short, long }) => [long, short]).filter((name) => name !== undefined);
  const proposal = nearest(flag.split('=')[0] ?? flag, ['-np', ...known, '--help', '-h']);
  return proposal === undefined ? `${message}; tsrun --help lists them` : `${message}; did you mean ${proposal}?`;
}

function wrong(what: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', what);
}
