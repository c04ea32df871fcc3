import { busBandwidth, formatSize, formatTime } from '../../lib/units.js';
import { median } from '../../lib/statistics.js';
import { textTable } from '../text-table.js';
import type { Ceiling, Timing } from './measure.js';

/** One run of one system at one size. */
export interface NetworkSample extends Timing {
  readonly system: string;
  readonly round: number;
}

/** All rounds of one system at one size on one network. */
export interface Row {
  readonly system: string;
  readonly bytes: number;
  /** Of the rounds' medians: their median, least and most. */
  readonly medianSeconds: number;
  readonly leastSeconds: number;
  readonly mostSeconds: number;
  readonly busBytesPerSecond: number;
  /** Of what plain sockets carried. */
  readonly share: number;
  /** This system's time over ours: what we are faster by. Absent where we were not measured. */
  readonly ratio: number | undefined;
  readonly correct: boolean;
}

export function rowsOf(samples: readonly NetworkSample[], ceilings: readonly Ceiling[], hosts: number): Row[] {
  const ceiling = median(ceilings.map((each) => each.bytesPerSecond));
  const keys = new Map(samples.map((sample) => [`${sample.bytes} ${sample.system}`, sample]));
  const times = (bytes: number, system: string) =>
    samples.filter((each) => each.bytes === bytes && each.system === system).map((each) => each.medianSeconds);
  return [...keys.values()]
    .sort((a, b) => a.bytes - b.bytes)
    .map(({ bytes, system }) => {
      const own = times(bytes, system);
      const ours = times(bytes, 'tsring');
      const busBytesPerSecond = busBandwidth(bytes, hosts, median(own));
      return {
        system,
        bytes,
        medianSeconds: median(own),
        leastSeconds: Math.min(...own),
        mostSeconds: Math.max(...own),
        busBytesPerSecond,
        share: busBytesPerSecond / ceiling,
        ratio: ours.length > 0 ? median(own) / median(ours) : undefined,
        correct: samples.every((each) => each.bytes !== bytes || each.system !== system || each.correct),
      };
    });
}

export const table = textTable<Row>([
  { title: 'size', value: (row) => formatSize(row.bytes), width: 7 },
  { title: 'system', value: (row) => row.system, width: 21, align: 'left' },
  { title: 'median', value: (row) => formatTime(row.medianSeconds), width: 9 },
  { title: 'least', value: (row) => formatTime(row.leastSeconds), width: 9 },
  { title: 'most', value: (row) => formatTime(row.mostSeconds), width: 9 },
  { title: 'bus GB/s', value: (row) => (row.busBytesPerSecond / 1e9).toFixed(4), width: 8 },
  { title: 'of sockets', value: (row) => `${(100 * row.share).toFixed(1)} %`, width: 10 },
  { title: 'time/ours', value: (row) => (row.ratio === undefined ? '' : row.ratio.toFixed(2)), width: 9 },
  { title: 'check', value: (row) => (row.correct ? 'ok' : 'WRONG'), width: 5, align: 'left' },
]);
