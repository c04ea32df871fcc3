import { alignColumns, formatNumber } from '../units.js';
import { type Measured, nameOfReduction, nameOfTraining } from './measured.js';
import type { Spread } from '../statistics.js';

/** What one file holds. */
export interface Run {
  /** The file, as short as tells it from the others. */
  readonly name: string;
  readonly measured: Measured;
}

/** One thing in all runs that measured it; of all of these, more is better. */
export interface Compared {
  readonly figure: string;
  readonly unit: 'GB/s' | 'images/s';
  /** In the order of the runs; undefined: it was not measured in that. */
  readonly values: readonly (Spread | undefined)[];
}

/** All that the runs measured, in the order in which it first appears. */
export function compare(runs: readonly Run[]): Compared[] {
  const all = runs.map(({ measured }) => figuresOf(measured));
  const names = new Map(all.flatMap((figures) => [...figures].map(([name, { unit }]) => [name, unit] as const)));
  return [...names].map(([figure, unit]) => ({ figure, unit, values: all.map((one) => one.get(figure)?.spread) }));
}

/**
 * A row of cells for each figure, after the head: the median and, of several rounds, the least and the most in brackets. Each run has a
 * column, and from the second on one with its ratio to the first, if they share a figure; with `~` where the rounds of both overlap.
 */
export function comparisonRows(runs: readonly Run[]): string[][] {
  const all = compare(runs);
  const shares = runs.map(
    (_, i) => i > 0 && all.some(({ values }) => values[0] !== undefined && values[i] !== undefined),
  );
  const head = ['figure', 'unit', ...runs.flatMap(({ name }, i) => (shares[i] ? [name, 'ratio'] : [name]))];
  const rows = all.map(({ figure, unit, values }) => [
    figure,
    unit,
    ...values.flatMap((one, i) => (shares[i] ? [cellOf(one), ratioCell(values[0], one)] : [cellOf(one)])),
  ]);
  return [head, ...rows];
}

/** For a terminal. */
export function comparisonTable(runs: readonly Run[]): string {
  const rows = comparisonRows(runs);
  const note = `ratio: to ${runs[0]!.name}; over 1 is faster; ~: the rounds of both overlap`;
  return `${[...alignColumns(rows, [0, 1]), ...(rows[0]!.includes('ratio') ? ['', note] : [])].join('\n')}\n`;
}

function cellOf(spread: Spread | undefined): string {
  if (spread === undefined) return '-';
  const { value, least, most, rounds } = spread;
  return rounds === 1
    ? formatNumber(value)
    : `${formatNumber(value)} (${formatNumber(least)} to ${formatNumber(most)})`;
}

export function ratioCell(before: Spread | undefined, after: Spread | undefined): string {
  if (before === undefined || after === undefined) return '';
  const overlap = before.rounds > 1 && after.rounds > 1 && before.least <= after.most && after.least <= before.most;
  return `${overlap ? '~' : ''}${(after.value / before.value).toFixed(3)}`;
}

function figuresOf({ reductions, trainings }: Measured): Map<string, Figure> {
  return new Map([
    ...reductions.map((one): [string, Figure] => [
      nameOfReduction(one),
      { unit: 'GB/s', spread: giga(one.busBytesPerSecond) },
    ]),
    ...trainings.map((one): [string, Figure] => [
      nameOfTraining(one),
      { unit: 'images/s', spread: one.imagesPerSecond },
    ]),
  ]);
}

interface Figure {
  readonly unit: Compared['unit'];
  readonly spread: Spread;
}

function giga({ rounds, value, least, most }: Spread): Spread {
  return { rounds, value: value / 1e9, least: least / 1e9, most: most / 1e9 };
}
