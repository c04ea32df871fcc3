/** `4 B`, `64 KB`, `256 MB`: in powers of 1024, as sizes are given on the command line. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 2 ** 30],
    ['MB', 2 ** 20],
    ['KB', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(2))} ${unit}`;
  }
  return `${bytes} B`;
}

/** Three digits or so with the unit that suits. */
export function formatTime(seconds: number): string {
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(1)} us`;
  return seconds < 1 ? `${(seconds * 1e3).toFixed(2)} ms` : `${seconds.toFixed(3)} s`;
}

/** Three digits, without an exponent. */
export function formatNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

/**
 * Lines of a table in plain text whose columns are as wide as they must be.
 *
 * @param rows - all with as many cells as the first, which is the head
 * @param left - columns that begin at their left edge; the others end at their right
 */
export function alignColumns(rows: readonly (readonly string[])[], left: readonly number[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number) =>
    left.includes(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}

/** Bytes a second that each rank's link must carry at least: what an allreduce moves at best, over its time. */
export function busBandwidth(bytes: number, ranks: number, seconds: number): number {
  return (bytes / seconds) * (ranks > 1 ? (2 * (ranks - 1)) / ranks : 1);
}
