import { element, escaped, styleOf } from './markup.js';
import { linearScale, logScale, type Scale } from './scale.js';

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
  /** Of the y axis; the x axis is logarithmic, with a tick at each x that there is. */
  readonly yScale: 'linear' | 'log';
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
}

const width = 720;
const height = 360;
const area = { left: 70, right: width - 20, top: 15, bottom: height - 45 };

/** An SVG element with lines through points, whose values are shown when pointed at, and a legend below it: HTML. */
export function drawLineChart(chart: LineChart): string {
  const points = chart.lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const ys = points.map(({ y }) => y);
  const x = logScale(xs, [area.left + 10, area.right - 10], xs);
  const vertical = [area.bottom, area.top] as const;
  const y = chart.yScale === 'log' ? logScale(ys, vertical) : linearScale(ys, vertical);
  const content = [
    ...horizontalRules(y, chart.formatY),
    ...apart(xs, x).map((tick) =>
      text(x.place(tick), area.bottom + 18, chart.formatX(tick), { 'text-anchor': 'middle' }),
    ),
    text((area.left + area.right) / 2, height - 6, chart.xLabel, { 'text-anchor': 'middle' }),
    ...chart.lines.map((line, i) => drawLine(line, i, x, y, chart)),
  ];
  return figure(chart.title, `${chart.yLabel}, ${chart.yScale}`, svg(width, height, chart.title, content), chart.lines);
}

function drawLine({ name, points }: Line, index: number, x: Scale, y: Scale, chart: LineChart): string {
  const { colour, dashes } = styleOf(index);
  const places = [...points]
    .sort((a, b) => a.x - b.x)
    .map((point) => ({ ...point, at: [x.place(point.x), y.place(point.y)] }));
  const path = places.map(({ at }) => at.map((value) => value.toFixed(1)).join(',')).join(' ');
  const line = { points: path, fill: 'none', stroke: colour, 'stroke-width': 2, 'stroke-dasharray': dashes };
  const dots = places.map(({ at: [cx, cy], x: size, y: value }) =>
    element(
      'circle',
      { cx: cx!, cy: cy!, r: 3.5, fill: colour },
      element('title', {}, escaped(`${name}: ${chart.formatX(size)}, ${chart.formatY(value)}`)),
    ),
  );
  return element('polyline', line) + dots.join('');
}

/** Those that have room beside each other. */
function apart(ticks: readonly number[], scale: Scale): number[] {
  let last = -Infinity;
  return ticks.filter((tick) => {
    if (scale.place(tick) - last < 48) return false;
    last = scale.place(tick);
    return true;
  });
}

function horizontalRules(y: Scale, format: (value: number) => string): string[] {
  return y.ticks.map((tick) => {
    const at = y.place(tick);
    const rule = element('line', { x1: area.left, x2: area.right, y1: at, y2: at, stroke: '#ddd' });
    return rule + text(area.left - 8, at + 4, format(tick), { 'text-anchor': 'end' });
  });
}

export function text(x: number, y: number, content: string, more: Readonly<Record<string, string>> = {}): string {
  return element('text', { x, y, ...more }, escaped(content));
}

export function svg(wide: number, high: number, label: string, content: readonly string[]): string {
  const box = { viewBox: `0 0 ${wide} ${high}`, role: 'img', 'aria-label': label };
  return element('svg', { ...box, xmlns: 'http://www.w3.org/2000/svg' }, content.join('\n'));
}

/** A chart with its title above and what its colours mean below. */
export function figure(title: string, note: string, chart: string, of: readonly { readonly name: string }[]): string {
  const entries = of.map(({ name }, i) => {
    const { colour, dashes } = styleOf(i);
    const stroke = { x1: 0, x2: 26, y1: 5, y2: 5, stroke: colour, 'stroke-width': 4, 'stroke-dasharray': dashes };
    const mark = element('svg', { width: 26, height: 10, 'aria-hidden': 'true' }, element('line', stroke));
    return element('li', {}, `${mark} ${escaped(name)}`);
  });
  const caption = element('figcaption', {}, `${element('b', {}, escaped(title))} ${escaped(note)}`);
  return element('figure', {}, `${caption}\n${chart}\n${element('ul', {}, entries.join(''))}`);
}
