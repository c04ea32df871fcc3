import type * as tf from '@tensorflow/tfjs-core';
import { checkedName, checkedPayload, invalid, show } from '../arguments.js';
import type { Compression } from '../collectives/reduction.js';
import { ProcessSet } from '../process-set.js';
import type { BucketSizes } from './bucket-plan.js';
import { checkedCompressor, type GradientCompressor, type GradientHook } from './gradient-compressor.js';
import { isVariable } from './weights.js';

/** How the gradients of a step are reduced. The same on all ranks. */
export interface ReduceGradientsOptions {
  /** 'average', unless given, or 'sum', of the ranks' gradients. */
  op?: 'average' | 'sum';
  /** Of the reduction. Unless given, optimizers (and distributedGradients) are numbered in the order of their first steps. */
  name?: string;
  /**
   * Reduce gradients while backward computes others. Unless given: where that pays, which the first rank says for all: false where all ranks are on one
   * host and it has fewer than two processors for itself, else true. Models smaller than `firstBucketBytes` have nothing to overlap.
   */
  overlap?: boolean;
  /** Gradients are reduced in buckets, in the order in which backward gives them; the first has at most so many bytes. 1 MiB unless given. */
  firstBucketBytes?: number;
  /**
   * Size of the other buckets; unless given 25 MiB, and across hosts no more than a sixteenth of the gradients, but 1 MiB at least. A larger gradient
   * is a bucket of its own.
   */
  bucketBytes?: number;
  /**
   * A gradient larger than `bucketBytes` is reduced in slices of that size, an operation each: the same bits on every rank, and between two ranks, or
   * through shared memory where ranks do not share cores, those of the whole. False unless given, as it takes a copy more and makes no step shorter.
   */
  splitLarge?: boolean;
  /** Buckets by your own choice: so many, of equally many variables, or lists of variables that are reduced as one operation each. */
  groups?: number | readonly (readonly tf.Variable[])[];
  /**
   * Of the buckets that wait for others to be reduced, the one nearest to the model's front goes first; true unless given. With false they go
   * in the order in which backward completes them.
   */
  priority?: boolean;
  /**
   * Divides an average before the sum by this, and after it by what remains of the number of ranks. Keeps sums in the range of a small
   * float; 1 unless given.
   */
  gradientPredivideFactor?: number;
  /**
   * 'none', unless given; 'fp16' or 'bf16': gradients travel, and are combined, as 16-bit floats; 'int8': they travel as 8-bit integers, of which
   * 256 share a scale. Or a compressor, or a function, that reduces buckets of gradients in a way of its own.
   */
  compression?: Compression | GradientCompressor | GradientHook;
  /** The ranks that train together; all of the job's unless given. */
  processSet?: ProcessSet;
}

/** The options, checked, with their defaults. */
export interface ReduceSettings extends Pick<BucketSizes, 'firstBucketBytes'> {
  /** Undefined: what is usual for the gradients. */
  readonly bucketBytes: number | undefined;
  /** 'adasum' where it is the changes of weights that are reduced: without a compressor. */
  readonly op: 'average' | 'sum' | 'adasum';
  readonly name: string | undefined;
  /** Undefined: by where ranks run. */
  readonly overlap: boolean | undefined;
  /** Sizes of buckets were given: they hold too where nobody said `overlap`, and there is none. */
  readonly inBuckets: boolean;
  /** Names of variables, where they are chosen. */
  readonly groups: number | readonly (readonly string[])[] | undefined;
  readonly priority: boolean;
  readonly splitLarge: boolean;
  readonly predivideFactor: number;
  readonly compression: Compression;
  /** Reduces the buckets, where there is one. */
  readonly compressor: GradientCompressor | undefined;
  readonly processSet: ProcessSet | undefined;
  /** Each rank gets its shard of the reduced gradients, flat, and not all of them. */
  readonly scatter?: boolean;
}

/** @throws {RingError} `RING_INVALID_ARGUMENT` naming the option */
export function checkedReduceSettings(where: string, options: ReduceGradientsOptions): ReduceSettings {
  const {
    op = 'average',
    name,
    overlap,
    priority = true,
    groups,
    gradientPredivideFactor = 1,
    compression = 'none',
  } = options;
  const own = typeof compression === 'string' ? undefined : checkedCompressor(where, compression);
  if (own === undefined) checkedPayload(where, compression);
  if (!['average', 'sum'].includes(op)) throw invalid(where, `op is ${show(op)}; 'average' or 'sum'`);
  if (name !== undefined) checkedName(where, name, () => '');
  if (overlap !== undefined && typeof overlap !== 'boolean')
    throw invalid(where, `overlap is ${show(overlap)}; true or false`);
  if (typeof priority !== 'boolean') throw invalid(where, `priority is ${show(priority)}; true or false`);
  checkPositive(where, 'gradientPredivideFactor', gradientPredivideFactor);
  if (gradientPredivideFactor !== 1 && op !== 'average')
    throw invalid(where, `gradientPredivideFactor goes with op 'average', not with ${show(op)}`);
  if (gradientPredivideFactor !== 1 && own !== undefined)
    throw invalid(where, 'gradientPredivideFactor is for sums that tsring makes, not for a compressor; leave it out');
  const { splitLarge = false } = options;
  checkSplit(where, splitLarge, groups !== undefined ? 'groups' : own === undefined ? undefined : 'a compressor');
  const { firstBucketBytes = 1 << 20, bucketBytes, processSet } = options;
  const inBuckets = options.firstBucketBytes !== undefined || bucketBytes !== undefined || splitLarge;
  checkPositive(where, 'firstBucketBytes', firstBucketBytes);
  if (bucketBytes !== undefined) checkPositive(where, 'bucketBytes', bucketBytes);
  if (processSet !== undefined && !(processSet instanceof ProcessSet))
    throw invalid(where, `processSet is ${show(processSet)}; a ProcessSet`);
  return {
    ...{ op, name, overlap, priority, splitLarge, firstBucketBytes, bucketBytes, inBuckets },
    groups: checkedGroups(where, groups),
    predivideFactor: gradientPredivideFactor,
    compression: typeof compression === 'string' ? compression : 'none',
    ...{ compressor: own, processSet },
  };
}

function checkSplit(where: string, splitLarge: unknown, other: string | undefined): void {
  if (typeof splitLarge !== 'boolean') throw invalid(where, `splitLarge is ${show(splitLarge)}; true or false`);
  if (splitLarge && other !== undefined)
    throw invalid(where, `splitLarge does not go with ${other}, which takes gradients whole; leave it out`);
}

export function checkPositive(where: string, option: string, value: unknown): void {
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return;
  throw invalid(where, `${option} is ${show(value)}; a number above 0`);
}

export function checkCount(where: string, option: string, value: unknown): void {
  if (Number.isInteger(value) && Number(value) >= 1) return;
  throw invalid(where, `${option} is ${show(value)}; a whole number from 1`);
}

function checkedGroups(where: string, groups: ReduceGradientsOptions['groups']): ReduceSettings['groups'] {
  if (groups === undefined) return undefined;
  if (typeof groups === 'number') {
    checkCount(where, 'groups', groups);
    return groups;
  }
  if (!Array.isArray(groups) || !groups.every((group) => Array.isArray(group) && group.every(isVariable)))
    throw invalid(where, `groups is ${show(groups)}; a number, or an array of arrays of variables`);
  const names = (groups as readonly tf.Variable[][]).map((group) => group.map(({ name }) => name));
  const twice = names.flat().find((name, index, all) => all.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(where, `groups: variable ${show(twice)} is there twice`);
  return names;
}
