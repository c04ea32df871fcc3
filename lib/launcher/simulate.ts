import { Command, InvalidArgumentError, Option } from 'commander';
import { RingError } from '../errors.js';
import { type CollectiveName, collectiveNames } from '../model/allreduce-cost.js';
import { linkOf, type Network } from '../model/network.js';
import { simulate, type Simulated } from '../model/simulate.js';
import { type KnownModel, modelParameters } from '../model/workloads.js';
import { alignColumns, formatNumber, formatSize, formatTime } from '../units.js';
import { atLeast, listOf, over, wholeNumber } from './flag-values.js';
import { callOf } from './subcommand.js';

interface Flags {
  readonly model?: KnownModel;
  readonly bytes?: number;
  readonly ranks: readonly number[];
  readonly localRanks: number;
  readonly latency: number;
  readonly bandwidth: number;
  readonly localLatency: number;
  readonly localBandwidth: number;
  readonly combineBandwidth: number;
  readonly servers?: number;
  readonly computeMs?: number;
  readonly stragglers: number;
  readonly overlap: number;
  readonly seed: number;
  readonly events?: boolean;
  readonly json?: boolean;
}

const mostRanks = 65_536;
/** Messages of more would take minutes to play. */
const mostRanksByEvents = 512;
const models = Object.keys(modelParameters) as KnownModel[];

/** What `tsrun simulate` prints. @throws RING_INVALID_ARGUMENT */
export function simulateJobs(argv: readonly string[]): string {
  const call = callOf<Flags>(describe(), argv);
  if (call.printed !== undefined) return call.printed;
  const { flags } = call;
  const network: Network = {
    across: linkOf(flags.latency, flags.bandwidth),
    local: linkOf(flags.localLatency, flags.localBandwidth),
    combineSecondsPerByte: 1 / (flags.combineBandwidth * 1e9),
  };
  const bytes = bytesOf(flags);
  const simulated = flags.ranks.map((ranks) =>
    simulate({ ...settingOf(flags, ranks), network, bytes, shape: shapeOf(ranks, flags.localRanks) }),
  );
  if (flags.json) return simulated.map((one) => `${JSON.stringify({ bytes, ...one })}\n`).join('');
  return `${headOf(flags, bytes)}\n${table(simulated)}`;
}

function describe(): Command {
  return new Command('tsrun simulate')
    .description(
      'What an allreduce, and a step of training, would take on many ranks: by the alpha-beta model, not measured (docs/scaling.md).',
    )
    .addOption(new Option('--model <name>', 'whose gradients').choices(models).conflicts('bytes'))
    .option('--bytes <n>', 'of gradients, all together, as they travel', wholeNumber(1, 2 ** 50))
    .option('--ranks <list>', 'how many', listOf(wholeNumber(1, mostRanks)), [8, 32, 128, 512, 2048, 16_384])
    .option('--local-ranks <n>', 'of each host', wholeNumber(1, 1024), 8)
    .option('--latency <us>', 'of a message between hosts', atLeast(0), 20)
    .option('--bandwidth <Gbit/s>', "of a host's link to others, each way", over(0), 10)
    .option('--local-latency <us>', 'of a message inside a host', atLeast(0), 1)
    .option('--local-bandwidth <Gbit/s>', 'of a rank inside its host, each way', over(0), 200)
    .option('--combine-bandwidth <GB/s>', 'of adding bytes to others', over(0), 16)
    .option('--servers <n>', 'parameter servers (default: one for each host of ranks)', wholeNumber(1, mostRanks))
    .option('--compute-ms <ms>', "a rank's step by itself: tells steps and efficiency, too", over(0))
    .option('--stragglers <share>', 'standard deviation of compute, of it: 0.1 is 10 %', atLeast(0), 0)
    .option('--overlap <share>', 'of compute, during which gradients can be reduced already; at most 1', shareOf, 0)
    .option('--seed <n>', 'of the stragglers', wholeNumber(0, 2 ** 31), 1)
    .option('--events', `play every message instead of using formulas; up to ${mostRanksByEvents} ranks`)
    .option('--json', 'a line of JSON for each number of ranks, in seconds')
    .allowExcessArguments(false);
}

function settingOf({ servers, events = false, computeMs, stragglers, overlap, seed }: Flags, ranks: number) {
  if (events && ranks > mostRanksByEvents) {
    throw wrong(`--events goes up to ${mostRanksByEvents} ranks, not ${ranks}; leave it out for the formulas`);
  }
  return {
    events,
    ...(servers !== undefined && { servers }),
    ...(computeMs !== undefined && { compute: { seconds: computeMs / 1000, deviation: stragglers, overlap, seed } }),
  };
}

function shapeOf(ranks: number, wanted: number) {
  const localRanks = Math.min(ranks, wanted);
  if (ranks % localRanks === 0) return { ranks, localRanks };
  throw wrong(`${ranks} ranks do not fill hosts of ${localRanks}; all hosts must have as many`);
}

function bytesOf({ model, bytes }: Flags): number {
  if (bytes !== undefined) return bytes;
  if (model !== undefined) return 4 * modelParameters[model];
  throw wrong(`of what? give --bytes N, or --model with one of ${models.join(', ')}`);
}

function headOf(flags: Flags, bytes: number): string {
  const { localRanks, latency, bandwidth, localLatency, localBandwidth, computeMs, stragglers, overlap } = flags;
  const compute = computeMs === undefined ? '' : `; a step of ${computeMs} ms, +- ${100 * stragglers} %, overlap ${100 * overlap} %`; // prettier-ignore
  return [
    `simulated: allreduce of ${formatSize(bytes)}${flags.model === undefined ? '' : ` (${flags.model})`}, hosts of ${localRanks} ranks${compute}`,
    `between hosts ${latency} us, ${bandwidth} Gbit/s; inside ${localLatency} us, ${localBandwidth} Gbit/s`,
    '',
  ].join('\n');
}

function table(simulated: readonly Simulated[]): string {
  const stepTitles = ['step', 'exposed', 'waiting', 'efficiency', 'with servers'];
  const hasSteps = simulated.some(({ step }) => step !== undefined);
  const percent = (share: number) => `${formatNumber(100 * share)} %`;
  const head = ['ranks', ...collectiveNames, 'best', 'param. servers', ...(hasSteps ? stepTitles : [])];
  const rows = simulated.map(({ ranks, allreduceSeconds: seconds, best, serverSeconds, step, serverStep }) => [
    `${ranks}`,
    ...collectiveNames.map((name: CollectiveName) => formatTime(seconds[name])),
    best,
    formatTime(serverSeconds),
    ...(step && serverStep
      ? [
          ...[step.seconds, step.exposedSeconds, step.waitingSeconds].map(formatTime),
          ...[step.efficiency, serverStep.efficiency].map(percent),
        ]
      : []),
  ]);
  return `${alignColumns([head, ...rows], [1 + collectiveNames.length]).join('\n')}\n`;
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('a number from 0 to 1 is needed');
}

function wrong(what: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', what);
}
