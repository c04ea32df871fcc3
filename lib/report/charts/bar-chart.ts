import { element, escaped, styleOf } from './markup.js';
import { figure, svg, text } from './line-chart.js';
import { linearScale } from './scale.js';

export interface Bar {
  readonly label: string;
  /** One after the other, in the order of `BarChart.parts`. */
  readonly values: readonly number[];
  /** Ends of a line over the bar's end: the least and the most of several rounds. */
  readonly range?: readonly [number, number];
}

export interface BarChart {
  readonly title: string;
  readonly note: string;
  readonly parts: readonly string[];
  readonly bars: readonly Bar[];
  readonly format: (value: number) => string;
}

const width = 720;
const barHeight = 34;
const margin = { left: 24, right: 70, bottom: 28 };

/** Horizontal bars, each with its label above it, so that labels may be long: HTML. */
export function drawBarChart({ title, note, parts, bars, format }: BarChart): string {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const ends = bars.map(({ values, range }) => Math.max(sum(values), range?.[1] ?? 0));
  const x = linearScale(ends, [margin.left, width - margin.right]);
  const high = bars.length * barHeight + margin.bottom;
  const rules = x.ticks.map((tick) => {
    const at = x.place(tick);
    const rule = element('line', { x1: at, x2: at, y1: 0, y2: high - margin.bottom, stroke: '#ddd' });
    return rule + text(at, high - 10, format(tick), { 'text-anchor': 'middle' });
  });
  const drawn = bars.map(({ label, values, range }, i) => {
    const top = i * barHeight;
    const pieces = values.map((value, part) => {
      const start = x.place(sum(values.slice(0, part)));
      const box = { x: start, y: top + 17, width: x.place(value) - x.place(0), height: 12 };
      const told = element('title', {}, escaped(`${label}: ${parts[part]!} ${format(value)}`));
      return element('rect', { ...box, fill: styleOf(part).colour }, told);
    });
    const end = text(x.place(ends[i]!) + 6, top + 27, format(sum(values)));
    return text(margin.left, top + 13, label) + pieces.join('') + whisker(range, top + 23, x.place) + end;
  });
  const legend = parts.length > 1 ? parts.map((name) => ({ name })) : [];
  return figure(title, note, svg(width, high, title, [...rules, ...drawn]), legend);
}

function whisker(range: Bar['range'], y: number, place: (value: number) => number): string {
  if (range === undefined) return '';
  const [x1, x2] = range.map(place) as [number, number];
  return element('line', { x1, x2, y1: y, y2: y, stroke: '#222', 'stroke-width': 1.5 });
}
