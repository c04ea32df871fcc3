import { allreduceSeconds } from '../model/allreduce-cost.js';
import type { Link } from '../model/network.js';
import type { RecordOf } from '../report/records.js';
import { median } from '../statistics.js';
import { fitCost } from '../tuning/fit.js';

/** A line of train.js that tells what advice needs. */
export type TrainRun = RecordOf<'train'> & {
  readonly [Name in 'parts' | 'allreduces' | 'localRanks']: NonNullable<RecordOf<'train'>[Name]>;
};

/** The parts of a step, in seconds. */
export interface Split {
  readonly compute: number;
  readonly communication: number;
  readonly waiting: number;
  readonly input: number;
}

/** What a change would come to. */
export interface Prospect {
  readonly change: string;
  readonly ranks: number;
  readonly split: Split;
  /** Images a second of all ranks. */
  readonly imagesPerSecond: number;
}

export interface Advice {
  readonly now: Prospect;
  readonly prospects: readonly Prospect[];
}

export interface AdviceOptions {
  /** Numbers of hosts, each with the ranks that one has now. */
  readonly hosts: readonly number[];
  /** Between hosts, where the run had one alone. */
  readonly link: Link;
}

/** A part of a step below this share is not worth a line. */
const worthwhile = 0.01;

/**
 * Where the time of a run's steps went, and what changes would make of it. An allreduce of b bytes of float32 takes alpha + beta b, fitted for
 * each compression to what was timed on the same ring. What is exposed now, over what the gradients' allreduce takes by that, holds for the
 * change as well (packing, hand-over); where communication overlaps with compute, what it gains is taken off what is exposed.
 */
export function advise(run: TrainRun, { hosts, link }: AdviceOptions): Advice {
  const now = prospect(run, 'as it is', run.ranks, splitOf(run));
  const predicted = (change: string, communication: number, ranks = run.ranks) =>
    prospect(run, change, ranks, { ...now.split, communication });
  const without = (part: 'waiting' | 'input', change: string) =>
    now.split[part] < worthwhile * secondsOf(now.split)
      ? []
      : [prospect(run, change, run.ranks, { ...now.split, [part]: 0 })];
  const isSpread = run.ranks > run.localRanks;
  const larger = hosts.filter((count) => count * run.localRanks > run.ranks);
  return {
    now,
    prospects: [
      ...compressionsOf(run).map((name) =>
        predicted(`gradients as ${name === 'none' ? 'float32' : name}`, exposedAs(run, name)),
      ),
      predicted(`gradients by top-k, ${100 * topKRatio} %`, exposedByTopK(run)),
      ...(isSpread ? [2, 10] : []).map((factor) =>
        predicted(`a network ${factor} times as fast`, exposedAcross(run, 1, 1 / factor)),
      ),
      ...larger.map((count) =>
        predicted(`${count} hosts with ${run.localRanks} ranks`, exposedOn(run, count, link), count * run.localRanks),
      ),
      ...without('waiting', 'ranks equally fast'),
      ...without('input', 'no wait for input'),
    ],
  };
}

/** Seconds of exposed communication if gradients travelled so. @param compression - one that was timed */
export function exposedAs(run: TrainRun, compression: string): number {
  return exposedIf(run, timeOf(run, bytesOf(run), compression));
}

const topKRatio = 0.01;

/**
 * All ranks gather what each sends: one of a hundred elements, with its index. By the cost of float32, an allreduce of b bytes having 2(n-1)/n of
 * them pass a link, and this n-1 times what a rank sends. The time to choose the elements is left out.
 */
function exposedByTopK(run: TrainRun): number {
  return exposedIf(run, timeOf(run, 2 * topKRatio * bytesOf(run) * (run.ranks / 2), 'none'));
}

/** On more hosts: of one host, what it takes now and an allreduce across hosts; of several, the ring that there is, made longer. */
function exposedOn(run: TrainRun, hosts: number, link: Link): number {
  const before = run.ranks / run.localRanks;
  if (before > 1) return exposedAcross(run, (hosts - 1) / (before - 1), (1 - 1 / hosts) / (1 - 1 / before));
  const shape = { ranks: hosts, localRanks: 1 };
  const network = { across: link, local: link, combineSecondsPerByte: 0 };
  const bytes = bytesOf(run) * sentShare(run.settings.compression);
  const across = (['ring', 'recursive-doubling', 'halving-doubling'] as const).map((name) =>
    allreduceSeconds(name, shape, bytes, network),
  );
  return exposedIf(run, timeOf(run, bytesOf(run)) + Math.min(...across));
}

/** With so many times the rounds, and so many times the bytes of a link. */
function exposedAcross(run: TrainRun, rounds: number, bytes: number): number {
  const { alpha, beta } = costOf(run, compressionOf(run));
  return exposedIf(run, rounds * alpha + bytes * beta * bytesOf(run));
}

/** Exposed, if the gradients' allreduce took so long by itself. */
function exposedIf(run: TrainRun, seconds: number): number {
  const exposed = splitOf(run).communication;
  const before = timeOf(run, bytesOf(run));
  if (run.settings.overlap === true) return Math.max(0, exposed + seconds - before);
  return exposed * (seconds / before);
}

/** Seconds of an allreduce of so many bytes of float32 on the run's ring. */
function timeOf(run: TrainRun, bytes: number, compression = compressionOf(run)): number {
  const { alpha, beta } = costOf(run, compression);
  return alpha + beta * bytes;
}

/** Seconds, and seconds a byte, in proportion to times nearest. */
function costOf({ allreduces }: TrainRun, compression: string): { alpha: number; beta: number } {
  const points = allreduces
    .filter((timed) => timed.compression === compression)
    .map(({ bytes, seconds }) => ({
      work: { steps: 1, movedBytes: bytes, combinedBytes: 0 },
      nanoseconds: seconds * 1e9,
    }));
  const { stepNanoseconds, bytePicoseconds } = fitCost(points, 0);
  return { alpha: stepNanoseconds * 1e-9, beta: bytePicoseconds * 1e-12 };
}

function splitOf({ stepSeconds, parts }: TrainRun): Split {
  const [communication, waiting, input] = [median(parts.communication), median(parts.waiting), median(parts.input)];
  return { compute: Math.max(0, median(stepSeconds) - communication - waiting - input), communication, waiting, input };
}

/** Of all gradients, as float32. */
function bytesOf({ parameters }: TrainRun): number {
  return 4 * parameters;
}

function compressionOf({ settings: { compression = 'none' } }: TrainRun): string {
  return compression;
}

/** Those that were timed, but for the one that the run had. */
function compressionsOf(run: TrainRun): string[] {
  const timed = new Set(run.allreduces.map(({ compression }) => compression));
  timed.delete(compressionOf(run));
  return [...timed];
}

/** Bytes that travel for each of float32; int8 has four for each 256 on top. */
function sentShare(compression = 'none'): number {
  return { fp16: 1 / 2, bf16: 1 / 2, int8: 260 / 1024 }[compression] ?? 1;
}

function prospect(run: TrainRun, change: string, ranks: number, split: Split): Prospect {
  return { change, ranks, split, imagesPerSecond: (ranks * run.settings.batch_size) / secondsOf(split) };
}

/** Of a whole step. */
export function secondsOf({ compute, communication, waiting, input }: Split): number {
  return compute + communication + waiting + input;
}
