/** Thin matrices, row by row: `rows` x `columns`, of few columns. All arithmetic is JavaScript's, the same on every machine. */

/** The columns made orthonormal, one after the other (modified Gram-Schmidt). One that the others span becomes zeros. */
export function orthonormalize(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = Float64Array.from(matrix);
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < result.length; i += columns) sum += result[i + a]! * result[i + b]!;
    return sum;
  };
  for (let column = 0; column < columns; column++) {
    const before = Math.sqrt(dot(column, column));
    for (let other = 0; other < column; other++) {
      const share = dot(column, other);
      for (let i = 0; i < result.length; i += columns) result[i + column]! -= share * result[i + other]!;
    }
    const norm = Math.sqrt(dot(column, column));
    // What is left of a column that the others span is its rounding, of float32.
    const factor = norm > 1e-6 * before ? 1 / norm : 0;
    for (let i = 0; i < result.length; i += columns) result[i + column]! *= factor;
  }
  return Float32Array.from(result.subarray(0, rows * columns));
}

/** Numbers from -1 to 1, the same whenever it is called: a linear congruential generator (Numerical Recipes' constants). */
export function randomMatrix(rows: number, columns: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: rows * columns }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
