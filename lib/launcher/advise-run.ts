import { Command } from 'commander';
import { advise, type Advice, type Prospect, secondsOf, type TrainRun } from '../advise/advise.js';
import { RingError } from '../errors.js';
import { linkOf } from '../model/network.js';
import { readRecords } from '../report/read-records.js';
import { alignColumns, formatNumber, formatTime } from '../units.js';
import { atLeast, listOf, over, wholeNumber } from './flag-values.js';
import { callOf } from './subcommand.js';

interface Flags {
  readonly hosts: readonly number[];
  readonly latency: number;
  readonly bandwidth: number;
  readonly json?: boolean;
}

/** What `tsrun advise FILE` prints. @throws RING_INVALID_ARGUMENT */
export function adviseRun(argv: readonly string[]): string {
  const program = new Command('tsrun advise')
    .description('Where the time of a training run goes, and what changes would make of it, by the alpha-beta model.')
    .argument('<file>', 'a line of train.js --json from two ranks or more; of several lines the last')
    .option(
      '--hosts <list>',
      'numbers of hosts, each with the ranks that one has now',
      listOf(wholeNumber(2, 8192)),
      [2, 4, 8],
    ) // prettier-ignore
    .option('--latency <us>', 'between hosts, where the run had one alone', atLeast(0), 20)
    .option('--bandwidth <Gbit/s>', "of a host's link to others, where the run had one alone", over(0), 10)
    .option('--json', 'in seconds, as JSON')
    .allowExcessArguments(false);
  const call = callOf<Flags>(program, argv);
  if (call.printed !== undefined) return call.printed;
  const run = lastRun(call.args[0]!);
  const { hosts, latency, bandwidth } = call.flags;
  const advice = advise(run, { hosts, link: linkOf(latency, bandwidth) });
  if (call.flags.json) return `${JSON.stringify(advice)}\n`;
  return [...headOf(run), ...whereTimeGoes(advice.now), '', ...tableOf(advice), '', conclusion(advice), ''].join('\n');
}

function lastRun(file: string): TrainRun {
  const isTold = (record: object): record is TrainRun =>
    'parts' in record && 'allreduces' in record && 'localRanks' in record;
  const run = readRecords(file).filter(isTold).at(-1);
  if (run !== undefined) return run;
  throw new RingError(
    'RING_INVALID_ARGUMENT',
    `${file} has no line that tells where the time of steps goes; train.js --json writes one, with --variable_update collective on two ranks or more`,
  );
}

function headOf({ settings, ranks, localRanks, backend }: TrainRun): string[] {
  const { model, batch_size: batch, compression = 'none', overlap } = settings;
  const how = [
    `gradients as ${compression === 'none' ? 'float32' : compression}`,
    ...(overlap === true ? ['overlap'] : []),
  ];
  return [`${model}, ${ranks} ranks, ${localRanks} on a host, batch ${batch}, ${backend}, ${how.join(', ')}`, ''];
}

function whereTimeGoes({ split, imagesPerSecond }: Prospect): string[] {
  const total = secondsOf(split);
  const parts = Object.entries(split).map(([name, seconds]: [string, number]) => [
    name,
    formatTime(seconds),
    `${formatNumber((100 * seconds) / total)} %`,
  ]);
  const rows = [['of a step', formatTime(total), ''], ...parts];
  return [...alignColumns(rows, [0]), `${formatNumber(imagesPerSecond)} images/s`];
}

function tableOf({ now, prospects }: Advice): string[] {
  const rows = [now, ...prospects].map(({ change, ranks, split, imagesPerSecond }) => [
    change,
    `${ranks}`,
    formatTime(split.communication),
    formatTime(secondsOf(split)),
    formatNumber(imagesPerSecond),
    `${formatNumber(imagesPerSecond / now.imagesPerSecond)} x`,
    `${formatNumber((100 * imagesPerSecond * now.ranks) / (now.imagesPerSecond * ranks))} %`,
  ]);
  const head = ['predicted', 'ranks', 'communication', 'step', 'images/s', 'of now', 'of now, a rank'];
  return alignColumns([head, ...rows], [0]);
}

/** The largest part, and what helps against it. */
function conclusion({ now }: Advice): string {
  const { compute, communication, waiting, input } = now.split;
  const share = (seconds: number) => `${formatNumber((100 * seconds) / secondsOf(now.split))} %`;
  if (Math.max(communication, waiting, input) < 0.05 * secondsOf(now.split))
    return `Compute is ${share(compute)}: more ranks pay; compression or a faster network would hardly.`;
  if (communication >= Math.max(waiting, input))
    return `Communication takes ${share(communication)}: overlap, compression, larger batches or a faster network help; check what they do to accuracy.`;
  if (input >= waiting)
    return `Input takes ${share(input)}: read with more threads, from a faster disk, or decode less; more ranks would wait as well.`;
  return `Ranks wait for slower ones, ${share(waiting)}: give all the same work and the same cores (tsrun --verbose tells who has which).`;
}
