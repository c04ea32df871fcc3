import type { Tensor2D } from '@tensorflow/tfjs';
import { tf } from './backend.js';

export interface Points {
  /** Rows of two coordinates, about -1 to 1. */
  readonly points: number[][];
  /** A row of two for each point: on which of the spirals it lies, one of them 1. */
  readonly labels: number[][];
}

/**
 * Points on two spirals that wind around each other; `turn` turns both. Rows of a table that no straight line divides, and that need no
 * download: the same in each run.
 */
export function makeSpirals(count: number, turn = 0): Points {
  const rows = Array.from({ length: count }, (_, index) => {
    const spiral = index % 2;
    const along = ((index * 0.618034) % 1) * 0.9 + 0.1; // the golden ratio spreads them evenly
    const angle = 5 * along + Math.PI * spiral + turn;
    const off = 0.03 * Math.sin(index * 12.9898);
    return { spiral, point: [along * Math.cos(angle) + off, along * Math.sin(angle) - off] };
  });
  return { points: rows.map(({ point }) => point), labels: rows.map(({ spiral }) => [1 - spiral, spiral]) };
}

export function tensorsOf({ points, labels }: Points): [points: Tensor2D, labels: Tensor2D] {
  return [tf.tensor2d(points), tf.tensor2d(labels)];
}
