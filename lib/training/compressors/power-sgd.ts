import * as tf from '@tensorflow/tfjs-core';
import { groupedAllreduceSync, startGroupedAllreduce } from '../../collectives.js';
import { operationOn, type GradientBucket } from '../gradient-compressor.js';
import { checkCount } from '../reduce-settings.js';
import { within } from '../within.js';
import { finishWith } from './finish-with.js';
import { orthonormalize, randomMatrix } from './low-rank.js';
import { Owed, type LossyCompressor } from './owed.js';

export interface PowerSgdOptions {
  /** Of the matrices that gradients are made of: a whole number from 1, the more the closer. 2 unless given. */
  rank?: number;
}

/**
 * Sends gradients as products of two thin matrices, found by one step of a power iteration from the last step's: of a matrix M of m x n,
 * m x rank and n x rank numbers travel. Averages M Q over the ranks, makes its columns orthonormal as P, averages the transpose of M times P
 * as the next Q, and takes P times the transpose of Q. What that leaves out is owed (error feedback). A kernel of a convolution counts as a
 * matrix with a row for each input; vectors, and matrices that would not become smaller, travel as they are.
 *
 * "PowerSGD: Practical Low-Rank Gradient Compression for Distributed Optimization", Vogels, Karimireddy and Jaggi, NeurIPS 2019.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT` naming the option
 */
export function powerSgd(options: PowerSgdOptions = {}): LossyCompressor {
  const { rank = 2 } = options;
  checkCount('compressors.powerSgd', 'rank', rank);
  const owed = new Owed();
  /** By variable, n x rank; the same on all ranks. */
  const starts = new Map<string, Float32Array>();
  return {
    start(bucket) {
      const matrices = matricesOf(bucket, rank);
      const dues = tf.tidy(() =>
        matrices.map(({ index }) => tf.keep(owed.due(bucket.variables[index]!, bucket.gradients[index]!))),
      );
      const whole = wholeOf(bucket, matrices);
      const projections = tf.tidy(() =>
        matrices.map((matrix, i) => {
          const q = starts.get(matrix.variable) ?? randomMatrix(matrix.columns, rank);
          starts.set(matrix.variable, q);
          return numbersOf(tf.matMul(asMatrix(dues[i]!, matrix), tf.tensor2d(q, [matrix.columns, rank])));
        }),
      );
      const sent = [...projections, ...whole.map((index) => numbersOf(bucket.gradients[index]!))];
      const averages = { op: 'average', ...within(bucket) } as const;
      const started = startGroupedAllreduce(sent, { ...averages, ...operationOn(bucket) });
      const finish = (received: readonly Float32Array[]) => {
        const ps = matrices.map(({ rows }, i) => orthonormalize(received[i]!, rows, rank));
        const back = matrices.map((matrix, i) =>
          numbersOf(tf.matMul(asMatrix(dues[i]!, matrix), tf.tensor2d(ps[i]!, [matrix.rows, rank]), true)),
        );
        const qs = back.length > 0 ? groupedAllreduceSync(back, { ...averages, name: `${bucket.name}.q` }) : [];
        const results: tf.Tensor[] = [];
        matrices.forEach((matrix, i) => {
          starts.set(matrix.variable, qs[i]!);
          const product = tf.reshape(outer(ps[i]!, qs[i]!, matrix, rank), dues[i]!.shape);
          owed.keep(matrix.variable, dues[i]!, product);
          results[matrix.index] = product;
        });
        whole.forEach((index, i) => {
          results[index] = tf.tensor(received[matrices.length + i]!, bucket.gradients[index]!.shape, 'float32');
        });
        return bucket.op === 'average' ? results : results.map((mean) => tf.mul(mean, bucket.size));
      };
      return finishWith(started, (received) => tf.tidy(() => finish(received as readonly Float32Array[])), dues);
    },
    // A rank that is new begins with random ones.
    restart: () => starts.clear(),
    dispose: () => owed.dispose(),
  };
}

/** A gradient that is worth it, as a matrix. */
interface Matrix {
  /** In its bucket. */
  readonly index: number;
  readonly variable: string;
  readonly rows: number;
  readonly columns: number;
}

function matricesOf({ gradients, variables }: GradientBucket, rank: number): Matrix[] {
  return gradients.flatMap(({ size, shape }, index) => {
    const columns = shape.at(-1) ?? 1;
    const rows = columns === 0 ? 0 : size / columns;
    return (rows + columns) * rank < size ? [{ index, variable: variables[index]!, rows, columns }] : [];
  });
}

/** The others. */
function wholeOf({ gradients }: GradientBucket, matrices: readonly Matrix[]): number[] {
  const made = new Set(matrices.map(({ index }) => index));
  return [...gradients.keys()].filter((index) => !made.has(index));
}

function asMatrix(tensor: tf.Tensor, { rows, columns }: Matrix): tf.Tensor2D {
  return tf.reshape(tensor, [rows, columns]);
}

/** A copy: what a backend gives may be its own memory. */
function numbersOf(tensor: tf.Tensor): Float32Array {
  return tensor.dataSync<'float32'>().slice();
}

/** P times the transpose of Q, column by column: elementwise steps have the same bits on every CPU, where a product of matrices may not. */
function outer(p: Float32Array, q: Float32Array, { rows, columns }: Matrix, rank: number): tf.Tensor {
  const columnOf = (matrix: Float32Array, length: number, k: number) =>
    Float32Array.from({ length }, (_, i) => matrix[i * rank + k]!);
  const products = Array.from({ length: rank }, (_, k) =>
    tf.mul(tf.tensor2d(columnOf(p, rows, k), [rows, 1]), tf.tensor2d(columnOf(q, columns, k), [1, columns])),
  );
  return products.reduce((sum, product) => tf.add(sum, product));
}
