import { type Measurement, busBandwidth } from './collectives-protocol.js';
import { textTable } from './text-table.js';

export interface Row extends Measurement {
  readonly algorithm: string;
}

/** For people. */
export const table = textTable<Row>([
  { title: 'size', value: (row) => formatSize(row.bytes), width: 8 },
  { title: 'rounds', value: (row) => `${row.iterations}`, width: 6 },
  { title: 'min', value: (row) => formatTime(row.minSeconds), width: 9 },
  { title: 'median', value: (row) => formatTime(row.medianSeconds), width: 9 },
  { title: 'max', value: (row) => formatTime(row.maxSeconds), width: 9 },
  { title: 'b2b', value: (row) => formatTime(row.backToBackSeconds), width: 9 },
  { title: 'algorithm', value: (row) => row.algorithm, width: 9, align: 'left' },
  { title: 'alg GB/s', value: (row) => gigabytes(row.bytes / row.medianSeconds), width: 8 },
  { title: 'bus GB/s', value: (row) => gigabytes(busBandwidth(row.bytes, row.ranks, row.medianSeconds)), width: 8 },
  { title: 'check', value: (row) => (row.correct ? 'ok' : 'WRONG'), width: 5, align: 'left' },
]);

/** Tab-separated, in the columns that the benches of other systems print too. Times in microseconds. */
export const tsv = {
  header: 'system\tnp\tbytes\titers\tmin_us\tmedian_us\tb2b_us\talgbw_GBs\tbusbw_GBs\tbusbw_b2b_GBs\tcheck',
  row: (row: Row) =>
    [
      'tsring',
      row.ranks,
      row.bytes,
      row.iterations,
      (row.minSeconds * 1e6).toFixed(2),
      (row.medianSeconds * 1e6).toFixed(2),
      (row.backToBackSeconds * 1e6).toFixed(2),
      gigabytes(row.bytes / row.medianSeconds),
      gigabytes(busBandwidth(row.bytes, row.ranks, row.medianSeconds)),
      gigabytes(busBandwidth(row.bytes, row.ranks, row.backToBackSeconds)),
      row.correct ? 'ok' : 'WRONG',
    ].join('\t'),
};

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

function gigabytes(bytesPerSecond: number): string {
  return (bytesPerSecond / 1e9).toFixed(3);
}
