import { formatSize, formatTime } from '../../lib/units.js';
import { textTable } from '../text-table.js';
import { type Result, fold, ratio } from './fold.js';
import type { Sample } from './sample.js';
import { systems } from './systems.js';
import { type Verdict, outcome } from './verdicts.js';

/** Above this share of the CPU gone elsewhere, a row is marked. */
export const doubtfulShare = 0.05;

interface Row extends Result {
  /** Their time over ours, each once for either way of ours. */
  readonly toOurs: string;
  readonly toOursOverTcp: string;
}

const columns = textTable<Row>([
  { title: 'system', value: (row) => row.system, width: 21, align: 'left' },
  { title: 'np', value: (row) => `${row.ranks}`, width: 2 },
  { title: 'bytes', value: (row) => formatSize(row.bytes), width: 6 },
  { title: 'median', value: (row) => formatTime(row.medianSeconds), width: 9 },
  { title: 'spread', value: (row) => row.spreadSeconds.map(formatTime).join(' .. '), width: 22 },
  { title: 'min', value: (row) => formatTime(row.minSeconds), width: 9 },
  { title: 'b2b', value: (row) => formatTime(row.backToBackSeconds), width: 9 },
  { title: 'bus GB/s', value: (row) => formatBandwidth(row.busBytesPerSecond), width: 8 },
  { title: '/tsring', value: (row) => row.toOurs, width: 7 },
  { title: '/tsring-tcp', value: (row) => row.toOursOverTcp, width: 11 },
  { title: 'other', value: (row) => formatShare(row.otherShare), width: 6 },
  { title: 'check', value: (row) => (row.correct ? 'ok' : 'WRONG'), width: 5, align: 'left' },
]);

/** The one table with everything in it, sorted by ranks, bytes and time. */
export function resultTable(samples: readonly Sample[]): string {
  const rows = fold(samples)
    .sort((a, b) => a.ranks - b.ranks || a.bytes - b.bytes || a.medianSeconds - b.medianSeconds)
    .map((result) => ({
      ...result,
      toOurs: formatRatio(ratio(samples, { ...result, ours: 'tsring' })?.median),
      toOursOverTcp: overTcp(result.system)
        ? formatRatio(ratio(samples, { ...result, ours: 'tsring-tcp' })?.median)
        : '',
    }));
  return [columns.header, ...rows.map((row) => columns.row(row))].join('\n');
}

/** In Markdown: the best rival for each target, number of ranks and size, and whether the target is met. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  return [
    '| ours | np | bytes | rivals | best of them | ratio | back to back | shortest | wanted | result |',
    '| --- | --: | --: | --- | --- | --: | --: | --: | --: | --- |',
    ...verdicts.map((verdict) => {
      const { ours, ranks, bytes, rivals, best, ratio: against, target } = verdict;
      const cells = [ours, ranks, formatSize(bytes), rivals, best, formatRatio(against.median)];
      cells.push(...[against.backToBack, against.min, target].map(formatRatio), outcome(verdict));
      return `| ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

/** In one line each: how many targets are met, and where someone else is faster. */
export function verdictLines(verdicts: readonly Verdict[]): string[] {
  const wanted = verdicts.filter(({ target }) => target !== undefined);
  const met = wanted.filter(({ ratio: { median }, target }) => median >= target!);
  const losses = verdicts.filter(({ ratio: { median } }) => median < 1);
  return [
    `${met.length} of ${wanted.length} targets met`,
    ...losses.map(
      ({ ours, ranks, bytes, best, ratio: { median } }) =>
        `loss: ${ours} takes ${formatRatio(1 / median)} x the time of ${best} at np ${ranks}, ${formatSize(bytes)}`,
    ),
  ];
}

/** Which rows to doubt, if any. */
export function doubtLine(samples: readonly Sample[]): string | undefined {
  const doubtful = samples.filter(({ otherShare }) => (otherShare ?? 0) > doubtfulShare);
  if (doubtful.length === 0) return undefined;
  return (
    `* in ${doubtful.length} of ${samples.length} measurements over ${doubtfulShare * 100} % of the CPU time went to ` +
    'other programs or other machines: doubt them'
  );
}

export function formatBandwidth(bytesPerSecond: number): string {
  return (bytesPerSecond / 1e9).toPrecision(3).replace(/e.*/, (exponent) => exponent);
}

function overTcp(name: string): boolean {
  return systems.some((system) => system.name === name && system.transport === 'tcp');
}

function formatRatio(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function formatShare(share: number | undefined): string {
  if (share === undefined) return '';
  return `${(share * 100).toFixed(0)} %${share > doubtfulShare ? '*' : ' '}`;
}
