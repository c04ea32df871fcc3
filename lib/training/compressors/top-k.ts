import * as tf from '@tensorflow/tfjs-core';
import { invalid, show } from '../../arguments.js';
import { startGroupedAllgather } from '../../collectives.js';
import { loadAddon } from '../../native/load.js';
import { operationOn, type GradientBucket } from '../gradient-compressor.js';
import { checkCount } from '../reduce-settings.js';
import { finishWith } from './finish-with.js';
import type { LossyCompressor } from './owed.js';

export interface TopKOptions {
  /** The share of a variable's elements that a step sends: above 0, up to 1. 0.01 unless given. */
  ratio?: number;
  /** Variables with fewer elements are sent whole. 256 unless given. */
  minElements?: number;
}

/**
 * Every rank sends the elements of its gradients that are largest in magnitude, with their indices, and the rest with later steps: a rank's
 * own sums of what it has not sent (error feedback) take part in the choice. All ranks add up what they got in order of rank.
 *
 * "Sparse Communication for Distributed Gradient Descent", Aji and Heafield, EMNLP 2017; "Sparsified SGD with Memory", Stich, Cordonnier
 * and Jaggi, NeurIPS 2018.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT` naming the option
 */
export function topK(options: TopKOptions = {}): LossyCompressor {
  const where = 'compressors.topK';
  const { ratio = 0.01, minElements = 256 } = options;
  if (typeof ratio !== 'number' || !(ratio > 0 && ratio <= 1))
    throw invalid(where, `ratio is ${show(ratio)}; a number above 0, up to 1`);
  checkCount(where, 'minElements', minElements);
  const owed = new Map<string, Float32Array>();
  return {
    start(bucket) {
      const parts = layout(bucket, (size) => (size < minElements ? size : Math.ceil(ratio * size)));
      const sent = take(bucket, parts, owed);
      const started = startGroupedAllgather([sent], operationOn(bucket));
      return finishWith(started, ([received]) => addUp(bucket, parts, sent.length, received as Int32Array));
    },
    dispose: () => owed.clear(),
  };
}

/** Where one variable's elements lie in what a rank sends: `count` indices, then as many values, as their bits. */
interface Part {
  readonly begin: number;
  readonly count: number;
}

function layout({ gradients }: GradientBucket, countOf: (size: number) => number): Part[] {
  let end = 0;
  return gradients.map(({ size }) => {
    const part = { begin: end, count: countOf(size) };
    end += 2 * part.count;
    return part;
  });
}

function take(bucket: GradientBucket, parts: readonly Part[], owed: Map<string, Float32Array>): Int32Array {
  const last = parts.at(-1);
  const sent = new Int32Array(last === undefined ? 0 : last.begin + 2 * last.count);
  bucket.gradients.forEach((gradient, i) => {
    const variable = bucket.variables[i]!;
    const known = owed.get(variable);
    const rest = known?.length === gradient.size ? known : new Float32Array(gradient.size);
    owed.set(variable, rest);
    const { indices, values } = viewsOf(sent, parts[i]!);
    loadAddon().takeLargest(rest, gradient.dataSync<'float32'>(), indices, values);
  });
  return sent;
}

/** @param received - what each rank sent, `length` numbers each; of ranks that have joined, nothing */
function addUp(bucket: GradientBucket, parts: readonly Part[], length: number, received: Int32Array): tf.Tensor[] {
  const divisor = bucket.op === 'average' ? bucket.size : 1;
  return bucket.gradients.map(({ size, shape }, i) => {
    const sums = new Float32Array(size);
    for (let begin = 0; begin < received.length; begin += length) {
      const { indices, values } = viewsOf(received.subarray(begin, begin + length), parts[i]!);
      for (let k = 0; k < indices.length; k++) sums[indices[k]!]! += values[k]!;
    }
    if (divisor !== 1) for (let k = 0; k < size; k++) sums[k]! /= divisor;
    return tf.tensor(sums, shape, 'float32');
  });
}

function viewsOf(sent: Int32Array, { begin, count }: Part): { indices: Int32Array; values: Float32Array } {
  const indices = sent.subarray(begin, begin + count);
  return { indices, values: new Float32Array(sent.buffer, indices.byteOffset + indices.byteLength, count) };
}
