import { busBandwidth, formatSize } from '../units.js';
import type { BenchmarkRecord, RecordOf } from './records.js';
import { median, spreadOf, type Spread } from '../statistics.js';

/** Allreduces of one size by one system. */
export interface Reduction {
  readonly system: string;
  readonly ranks: number;
  /** What the ranks are linked by, where that was made for the run. */
  readonly network?: string;
  readonly bytes: number;
  readonly busBytesPerSecond: Spread;
}

/** Where the milliseconds of a step go; they add up to the step. */
export interface StepParts {
  readonly compute: number;
  readonly communication: number;
  readonly waiting: number;
  readonly input: number;
}

/** Steps of one system on one workload. */
export interface Training {
  readonly system: string;
  readonly model: string;
  readonly ranks: number;
  /** Images a rank and a step. */
  readonly batch: number;
  readonly imageSize: number;
  /** Of TensorFlow, a rank; empty where nothing set them. */
  readonly threads: string;
  readonly imagesPerSecond: Spread;
  readonly parts?: StepParts;
}

/** All that was measured in one file, rounds of the same put together. */
export interface Measured {
  readonly reductions: readonly Reduction[];
  readonly trainings: readonly Training[];
}

export function measuredIn(records: readonly BenchmarkRecord[]): Measured {
  return {
    reductions: groups(records.flatMap(reductionsOf)).map(({ what, rounds }) => ({
      ...what,
      busBytesPerSecond: spreadOf(rounds.map((seconds) => busBandwidth(what.bytes, what.ranks, seconds))),
    })),
    trainings: groups(records.flatMap(trainingsOf)).map(({ what, rounds }) => ({
      ...what,
      imagesPerSecond: spreadOf(rounds.map(({ stepMs }) => (what.ranks * what.batch * 1000) / stepMs)),
      ...partsOf(rounds),
    })),
  };
}

/** What a figure is of, in one line of words; the same words are the same thing measured. */
export function nameOfReduction({ system, ranks, network, bytes }: OfReduction): string {
  return [`allreduce ${formatSize(bytes)}`, `np ${ranks}`, ...(network === undefined ? [] : [network]), system].join(
    ', ',
  );
}

export function nameOfTraining({ system, ...workload }: OfTraining): string {
  return `${nameOfWorkload(workload)}, ${system}`;
}

export function nameOfWorkload({ model, ranks, batch, imageSize, threads }: Omit<OfTraining, 'system'>): string {
  const threaded = threads === '' ? [] : [`${threads} ${threads === '1' ? 'thread' : 'threads'}`];
  return [model, `np ${ranks}`, `batch ${batch}`, `${imageSize} pixels`, ...threaded].join(', ');
}

type OfReduction = Omit<Reduction, 'busBytesPerSecond'>;
type OfTraining = Omit<Training, 'imagesPerSecond' | 'parts'>;

/** What was measured, and what came of it in one round. */
interface Once<What, Round> {
  readonly what: What;
  readonly round: Round;
}
/** Seconds. */
type ReductionOnce = Once<OfReduction, number>;
type TrainingOnce = Once<OfTraining, StepRound>;
interface StepRound {
  readonly stepMs: number;
  readonly parts?: Omit<StepParts, 'compute'>;
}

/** The rounds of the same, in the order in which it first appears. */
function groups<What, Round>(all: readonly Once<What, Round>[]): { what: What; rounds: Round[] }[] {
  const found = new Map<string, { what: What; rounds: Round[] }>();
  for (const { what, round } of all) {
    const key = JSON.stringify(what);
    const group = found.get(key);
    if (group) group.rounds.push(round);
    else found.set(key, { what, rounds: [round] });
  }
  return [...found.values()];
}

function reductionsOf(record: BenchmarkRecord): ReductionOnce[] {
  switch (record.benchmark) {
    case 'collectives':
      return record.rows.map(({ bytes, medianSeconds }) => ({
        what: { system: 'tsring', ranks: record.ranks, bytes },
        round: medianSeconds,
      }));
    case 'collectives-peers':
      return record.samples.map(({ system, ranks, bytes, medianSeconds }) => ({
        what: { system, ranks, bytes },
        round: medianSeconds,
      }));
    case 'network': {
      const { rateMbit, delayUs } = record.network;
      return record.samples.map(({ system, bytes, medianSeconds }) => ({
        what: { system, ranks: record.settings.hosts, network: `${rateMbit} Mbit/s ${delayUs} us`, bytes },
        round: medianSeconds,
      }));
    }
    default:
      return [];
  }
}

function trainingsOf(record: BenchmarkRecord): TrainingOnce[] {
  switch (record.benchmark) {
    case 'train':
      return [trainOf(record)];
    case 'training':
      return record.samples.map(
        ({ system, network = 'host', model, ranks, batch, imageSize, threads, steps, localSteps, inputSteps = [] }) => {
          const stepMs = median(steps);
          const shares = localSteps.map((local, i) => 1 - local / steps[i]!);
          const communication = shares.length > 0 ? stepMs * Math.max(0, median(shares)) : 0;
          const parts = { communication, waiting: 0, input: inputSteps.length > 0 ? median(inputSteps) : 0 };
          return {
            what: {
              system: network === 'host' ? system : `${system}, ${network}`,
              model,
              ranks,
              batch,
              imageSize,
              threads: String(threads ?? ''),
            },
            round: { stepMs, ...(shares.length + inputSteps.length > 0 && { parts }) },
          };
        },
      );
    case 'input':
      return inputsOf(record);
    case 'overlap':
      return overlapsOf(record);
    default:
      return [];
  }
}

function trainOf(record: RecordOf<'train'>): TrainingOnce {
  const { settings, ranks, threads = '', backend, stepSeconds, parts } = record;
  const { model, batch_size: batch, image_size: imageSize, variable_update: update, overlap, compression } = settings;
  const how = [update, ...(overlap === true ? ['overlap'] : []), ...(compression === undefined ? [] : [compression])];
  const ms = (seconds: readonly number[]) => 1000 * median(seconds);
  return {
    what: { system: `tsring ${how.join(' ')} on ${backend}`, model, ranks, batch, imageSize, threads },
    round: {
      stepMs: ms(stepSeconds),
      ...(parts && {
        parts: { communication: ms(parts.communication), waiting: ms(parts.waiting), input: ms(parts.input) },
      }),
    },
  };
}

function inputsOf(record: RecordOf<'input'>): TrainingOnce[] {
  const { settings, ranks, threads = '', syntheticSteps, realSteps, inputSeconds } = record;
  const of = { model: settings.model, ranks, batch: settings.batch_size, imageSize: settings.image_size, threads };
  const parts = { communication: 0, waiting: 0, input: 1000 * median(inputSeconds) };
  return [
    { what: { system: 'tsring synthetic input', ...of }, round: { stepMs: 1000 * median(syntheticSteps) } },
    { what: { system: 'tsring real input', ...of }, round: { stepMs: 1000 * median(realSteps), parts } },
  ];
}

function overlapsOf(record: RecordOf<'overlap'>): TrainingOnce[] {
  const { model, ranks, batch, imageSize, threads, of } = record;
  const ways = {
    none: 'no communication',
    after: 'reduced after backward',
    during: 'reduced during backward',
  } as const;
  return (['none', 'after', 'during'] as const).map((way) => ({
    what: { system: `tsring ${ways[way]}`, model, ranks, batch, imageSize, threads },
    round: { stepMs: of[way].step, parts: { communication: of[way].exposed, waiting: 0, input: 0 } },
  }));
}

/** Of the rounds that tell them. Compute is what is left of the step. */
function partsOf(rounds: readonly StepRound[]): { parts?: StepParts } {
  const told = rounds.flatMap(({ stepMs, parts }) => (parts ? [{ ...parts, step: stepMs }] : []));
  if (told.length === 0) return {};
  const of = (name: 'step' | 'communication' | 'waiting' | 'input') => median(told.map((round) => round[name]));
  const [communication, waiting, input] = [of('communication'), of('waiting'), of('input')];
  return {
    parts: { compute: Math.max(0, of('step') - communication - waiting - input), communication, waiting, input },
  };
}
