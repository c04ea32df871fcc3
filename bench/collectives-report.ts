import { busBandwidth, formatSize, formatTime } from '../lib/units.js';
import type { Measurement } from './collectives-protocol.js';
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

function gigabytes(bytesPerSecond: number): string {
  return (bytesPerSecond / 1e9).toFixed(3);
}
