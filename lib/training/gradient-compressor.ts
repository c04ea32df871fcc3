import type * as tf from '@tensorflow/tfjs-core';
import { invalid, show } from '../arguments.js';
import type { UnderWay } from '../collectives/under-way.js';
import type { Moved } from '../native/started.js';
import type { NamedOptions } from '../collectives/named.js';
import type { ProcessSet } from '../process-set.js';
import { within } from './within.js';

/** Gradients of one step that are reduced together, on this rank. */
export interface GradientBucket {
  /** The same on all ranks, and no other bucket's: the name of the operation that reduces it, and the beginning of further ones' names. */
  readonly name: string;
  /** float32; left alone, and good until `finish` or `abandon` has been called. */
  readonly gradients: readonly tf.Tensor[];
  /** Names of their variables. */
  readonly variables: readonly string[];
  readonly op: 'average' | 'sum';
  /** Ranks that take part. */
  readonly size: number;
  /** These ranks, where they are not all of the job: the option `processSet` of every operation on the bucket. */
  readonly processSet?: ProcessSet;
  /** Its turn among the buckets that wait, where they have some: the option `priority` of the operations on it. */
  readonly priority?: number;
}

/** What the first operation on a bucket is told. */
export function operationOn({ name, priority, processSet }: GradientBucket): NamedOptions & { readonly name: string } {
  return { name, ...(priority !== undefined && { priority }), ...within({ processSet }) };
}

/** A bucket whose reduction has begun. One of the two is called, once. */
export interface BucketUnderWay {
  /**
   * Blocks until the gradients are reduced. All ranks finish their buckets in the same order, so this may ask for further operations that block.
   *
   * @returns new tensors, of the same shapes in the same order, with the same bits on all ranks
   */
  finish(): readonly tf.Tensor[];
  /** The step has failed. Unless given, `finish` is called, and its result let go. */
  abandon?(): void;
}

/**
 * Reduces gradients in a way of its own; what PyTorch calls a communication hook. It may keep what it wants from step to step: a variable's
 * name is its key, since buckets may be cut otherwise later.
 */
export interface GradientCompressor {
  /**
   * Begins the reduction of one bucket, mostly in the middle of backward. Ranks may come to their buckets in another order, so this must
   * not wait for them: it starts an operation and leaves the waiting to `finish`. It runs inside a tidy of tfjs: what `finish` needs of the
   * tensors made here is kept with `tf.keep`, and disposed of there.
   */
  start(bucket: GradientBucket): BucketUnderWay;
  /**
   * All ranks call it together: before the first step, and when the variables or the ring are others than before. What ranks hold alike begins
   * anew here; what is a rank's own may stay.
   */
  restart?(): void;
}

/** The short form of a compressor: gives the reduced gradients as `finish` does, and may block. Called after backward. */
export type GradientHook = (bucket: GradientBucket) => readonly tf.Tensor[];

/** @throws {RingError} `RING_INVALID_ARGUMENT` */
export function checkedCompressor(where: string, given: unknown): GradientCompressor {
  if (typeof given === 'function') {
    const hook = given as GradientHook;
    const known = compressorOf.get(hook) ?? {
      start: (bucket) => ({ finish: () => hook(bucket), abandon: () => undefined }),
    };
    compressorOf.set(hook, known);
    return known;
  }
  if (typeof (given as Partial<GradientCompressor> | null)?.start === 'function') return given as GradientCompressor;
  throw invalid(where, `compression is ${show(given)}; 'none', 'fp16', 'bf16', 'int8', a compressor, or a function`);
}

/** One a function, so that the same option is the same compressor. */
const compressorOf = new WeakMap<GradientHook, GradientCompressor>();

/** Begins one bucket's reduction by a compressor. Gradients must be good until it has ended. */
export function startCompressed(compressor: GradientCompressor, bucket: GradientBucket): UnderWay {
  const begun = compressor.start(bucket);
  const wait = (): Moved<tf.Tensor> => ({ values: checkedResults(bucket, begun.finish()) });
  const end = (): Moved<tf.Tensor> => {
    if (begun.abandon === undefined) return wait();
    begun.abandon();
    return { values: [] };
  };
  return {
    settled: () => false,
    wait,
    // Only those who give it up ask for a promise.
    promise: () => Promise.resolve().then(end),
  };
}

function checkedResults({ name, gradients, variables }: GradientBucket, results: unknown): readonly tf.Tensor[] {
  const given: readonly Partial<tf.Tensor>[] = Array.isArray(results) ? results : [];
  const shapeOf = ({ shape }: Partial<tf.Tensor>) => `[${shape?.join(', ')}]`;
  if (given.length !== gradients.length)
    throw invalid(
      name,
      `compression gave ${Array.isArray(results) ? `${given.length} tensors` : show(results)} for ${gradients.length} gradients`,
    );
  const wrong = gradients.findIndex((gradient, index) => shapeOf(gradient) !== shapeOf(given[index]!));
  if (wrong < 0) return given as readonly tf.Tensor[];
  throw invalid(
    name,
    `compression gave ${shapeOf(given[wrong]!)} for the gradient of ${show(variables[wrong])}, which is ${shapeOf(gradients[wrong]!)}`,
  );
}
