import { createRequire } from 'node:module';
import { Command, Option } from 'commander';
import {
  assignment,
  type Assignments,
  collect,
  countOrRule,
  type CountOrRule,
  endpoint,
  type Endpoint,
  mostRanks,
  nameList,
  oneOf,
  wholeNumber,
} from './flag-values.js';
import { type ClusterFlags, clusterFlags } from './cluster/cluster-flags.js';
import { helpEpilogue } from './help.js';
import { type HostSpec, parseHostList } from './hosts.js';
import { settingOptions } from './setting-flags.js';

/** What the parser makes of the command line; `--no-tag-output` is `tagOutput: false`. */
export interface Flags extends ClusterFlags {
  readonly numProc?: number;
  readonly ps?: number;
  readonly hosts?: readonly HostSpec[];
  readonly hostfile?: string;
  readonly nprocPerNode?: CountOrRule;
  readonly mapBy?: 'slot' | 'node';
  readonly oversubscribe?: boolean;
  readonly bindTo?: 'auto' | 'none' | 'core' | 'numa';
  readonly sshPort?: number;
  readonly sshIdentityFile?: string;
  readonly networkInterfaces?: readonly string[];
  readonly nnodes?: number;
  readonly nodeRank?: number;
  readonly rdzvEndpoint?: Endpoint;
  readonly jobId?: string;
  readonly standalone?: boolean;
  readonly x: Assignments;
  readonly config?: string;
  readonly tagOutput?: boolean;
  readonly timestamp?: boolean;
  readonly outputFilename?: string;
  readonly tee?: boolean;
  readonly startTimeout?: number;
  readonly timeout?: number;
  readonly stopGraceMs: number;
  readonly verbose?: boolean;
  readonly dryRun?: boolean;
  readonly checkBuild?: boolean;
  readonly tune?: boolean;
  readonly tuneFile?: string;
  readonly mca: readonly string[];
  readonly allowRunAsRoot?: boolean;
  readonly gloo?: boolean;
  readonly disableCache?: boolean;
  readonly rdzvBackend?: string;
}

const seconds = (text: string) => wholeNumber(1, 86_400)(text);

/** The command line as the parser knows it. It throws in place of ending the process. */
export function describeCommand(): Command {
  const { version } = createRequire(import.meta.url)('tsring/package.json') as { version: string };
  const command = new Command('tsrun')
    .description('Starts a script on several ranks, which train together through tsring.')
    .usage('-np N [options] script [script arguments]')
    .argument('[script]', 'a .js, .mjs, .cjs, .ts or .mts file, or node, its flags and the file')
    .argument('[arguments...]', 'handed to the script as they are, flags too')
    .passThroughOptions();
  const groups: [string, Option[]][] = [
    ['Ranks and hosts:', placeOptions()],
    ['In a cluster:', clusterFlags()],
    ['Nodes on which you start tsrun yourself:', nodeOptions()],
    ['Output:', outputOptions()],
    ['The job:', jobOptions()],
  ];
  for (const [heading, options] of groups) for (const option of options) command.addOption(option.helpGroup(heading));
  for (const option of [...settingOptions(), ...ignoredOptions()]) command.addOption(option);
  return command
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ optionTerm: (option) => (option.long === '--num-proc' ? '-np, ' : '') + option.flags })
    .addHelpText('after', helpEpilogue)
    .showSuggestionAfterError(false)
    .exitOverride();
}

function placeOptions(): Option[] {
  return [
    new Option('-n, --num-proc <N>', 'how many ranks to start (default: as many as there are slots)').argParser(
      wholeNumber(1, mostRanks),
    ),
    new Option(
      '--ps <P>',
      'parameter servers beside the ranks, for ParameterServerOptimizer (default: none)',
    ).argParser(wholeNumber(1, mostRanks)),
    new Option('-H, --hosts <host:slots,...>', 'where, and how many on each; 1 where no slots are given').argParser(
      parseHostList,
    ),
    new Option('--hostfile <file>', 'the same from a file, with lines of: host slots=N max_slots=N'),
    new Option(
      '--nproc-per-node <N>',
      'slots of each host that says none: a number, gpu, cpu, or auto (GPUs where there are some, else cores)',
    ).argParser(countOrRule),
    new Option('--map-by <unit>', 'slot fills host after host; node deals ranks out to hosts in turn')
      .default('slot')
      .argParser(oneOf('slot', 'node')),
    new Option('--oversubscribe', 'allow more ranks than slots, and several ranks on a GPU'),
    new Option('--bind-to <unit>', 'keep each rank on cores of its own, or on a NUMA node: auto, none, core or numa')
      .default('auto')
      .argParser(oneOf('auto', 'none', 'core', 'numa')),
    new Option('--ssh-port <port>', "port of the hosts' ssh server").argParser(wholeNumber(1, 65_535)),
    new Option('--ssh-identity-file <file>', 'key for ssh'),
    new Option(
      '--network-interfaces <name,...>',
      'interfaces between hosts, the first that a host has (default: by the route to the others)',
    ).argParser(nameList),
  ];
}

function nodeOptions(): Option[] {
  return [
    new Option('--nnodes <N>', 'how many nodes there are; tsrun is started on each').argParser(
      wholeNumber(1, mostRanks),
    ),
    new Option('--node-rank <N>', 'number of this node, from 0').argParser(wholeNumber(0, mostRanks - 1)),
    new Option('--rdzv-endpoint <host:port>', 'where node 0 serves the store that all meet at').argParser(endpoint),
    new Option('--job-id <name>', 'tells apart jobs that meet at one address (default: the endpoint)'),
    new Option('--standalone', 'one node, which is the default'),
  ];
}

function outputOptions(): Option[] {
  return [
    new Option('--tag-output', 'put [rank]<stream>: before each line (the default)'),
    new Option('--no-tag-output', 'leave lines as they are'),
    new Option('--timestamp', 'put the time before each line'),
    new Option('--output-filename <folder>', 'write what ranks print to folder/rank.N/stdout and stderr'),
    new Option('--tee', 'with --output-filename: print it as well'),
    new Option('--verbose', 'tell what starts where, with which cores, GPUs and addresses'),
  ];
}

function jobOptions(): Option[] {
  return [
    new Option('-x <VAR[=value]>', 'set a variable for the ranks; they get the whole environment anyway (repeatable)')
      .default({}, 'none')
      .argParser(assignment),
    new Option('--config <file>', 'more flags, from YAML: lines of flag: value; the command line wins'),
    new Option('--start-timeout <seconds>', 'how long hosts may take to answer, and ranks to meet at init').argParser(
      seconds,
    ),
    new Option('--timeout <seconds>', 'end the job after this time, with exit code 124').argParser(
      wholeNumber(1, 2_000_000),
    ),
    new Option('--stop-grace-ms <ms>', 'time between SIGTERM and SIGKILL when ranks are stopped')
      .default(5000)
      .argParser(wholeNumber(0, 3_600_000)),
    new Option('--dry-run', 'print what would start where, and start nothing'),
    new Option(
      '--tune',
      'measure the ways to do an allreduce on -np ranks of this host, and keep what they cost for later jobs',
    ),
    new Option(
      '--tune-file <file>',
      'where --tune keeps it (default: ~/.config/tsring/tuning.json, which every job reads)',
    ),
    new Option('--check-build', 'list the parts that are there, and what to do for those that are not'),
  ];
}

/** Flags of other launchers that mean nothing here, so that commands that are in use go on working. Each is named once when given. */
function ignoredOptions(): Option[] {
  return [
    new Option('--mca <key=value>').default([]).argParser(collect),
    new Option('--allow-run-as-root'),
    new Option('--gloo'),
    new Option('--disable-cache'),
    new Option('--rdzv-backend <name>'),
  ].map((option) => option.hideHelp());
}

/** One line for each flag that was given and means nothing here. */
export function ignoredNotices(flags: Flags): string[] {
  const given = [
    ...flags.mca.map((setting) => `-mca ${setting.replace('=', ' ')}`),
    ...(flags.gloo ? ['--gloo'] : []),
    ...(flags.disableCache ? ['--disable-cache'] : []),
    ...(flags.rdzvBackend === undefined ? [] : [`--rdzv-backend ${flags.rdzvBackend}`]),
  ];
  return given.length === 0 ? [] : [`ignored, as it means nothing to tsring: ${[...new Set(given)].join(', ')}`];
}
