/** What `run` and its ranks leave for each other in the job's store. */
export const runKeys = {
  /** JSON: `{ module }`, or `{ text, name }` of a function. */
  program: 'run/program',
  /** Serialised by v8, in base64, as results are. */
  args: 'run/args',
  size: 'run/size',
  /** What the first rank to fail has thrown. */
  failure: 'run/failure',
  pieces: (rank: number) => `run/result/${rank}/pieces`,
  piece: (rank: number, index: number) => `run/result/${rank}/${index}`,
} as const;

/** Of a piece of a result, so that it fits into a frame of the store. */
export const pieceBytes = 512 * 1024;

/** A rank's result, put together. */
export function resultOf(values: ReadonlyMap<string, string>, rank: number): Buffer {
  const count = Number(values.get(runKeys.pieces(rank)));
  const pieces = Array.from({ length: count }, (_, index) => values.get(runKeys.piece(rank, index)) ?? '');
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')));
}
