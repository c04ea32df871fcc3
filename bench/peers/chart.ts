import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { formatSize } from '../../lib/units.js';
import type { Result } from './fold.js';
import { type Family, systems } from './systems.js';

/** Readable on white and apart from each other for the colour-blind, too; ours stands out. */
const colours: Record<Family, string> = {
  tsring: '#d62728',
  'Open MPI': '#1f77b4',
  MPICH: '#17a2b8',
  gloo: '#2ca02c',
  torch: '#9467bd',
  Horovod: '#b8860b',
};

const width = 960;
const height = 620;
const margins = { marginTop: 40, marginRight: 170, marginBottom: 45, marginLeft: 60 };
const lineHeight = 13;

// Types of the browser's documents are no part of this project, so the little that is used of them is named here.
interface SvgElement {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}

/** Size against bus bandwidth, both logarithmic, one line a system: a whole SVG file. */
export function drawChart(results: readonly Result[], ranks: number): string {
  const points = results.filter((result) => result.ranks === ranks).sort((a, b) => a.bytes - b.bytes);
  const speeds = points.map(speed);
  const domain = [Math.min(...speeds), Math.max(...speeds)] as const;
  const drawn = systems.filter(({ name }) => points.some(({ system }) => system === name));
  const ends = drawn.map(({ name }) => points.filter(({ system }) => system === name).at(-1)!);
  const { document } = parseHTML('<html></html>') as unknown as { document: object };
  const figure = Plot.plot({
    document,
    width,
    height,
    ...margins,
    style: { background: 'white', color: 'black' },
    x: {
      type: 'log',
      base: 2,
      label: 'bytes',
      ticks: [...new Set(points.map(({ bytes }) => bytes))],
      tickFormat: formatSize,
    },
    y: { type: 'log', grid: true, label: 'bus bandwidth', domain, ticks: powersOfTen(domain), tickFormat: speedName },
    marks: [
      Plot.frame({ stroke: 'lightgray' }),
      Plot.text([`allreduce of float32, ${ranks} ranks on one host; dashed: over TCP`], {
        frameAnchor: 'top-left',
        dy: -25,
        fontSize: 14,
      }),
      drawn.map(({ name, family, transport }) =>
        Plot.lineY(
          points.filter(({ system }) => system === name),
          {
            x: 'bytes',
            y: speed,
            stroke: colours[family],
            strokeWidth: family === 'tsring' ? 3 : 1.5,
            ...(transport === 'tcp' ? { strokeDasharray: '5,3' } : {}),
            marker: 'dot',
          },
        ),
      ),
      labelPositions(ends.map(speed), domain).map((dy, i) =>
        Plot.text([ends[i]!], {
          x: 'bytes',
          y: speed,
          text: 'system',
          textAnchor: 'start',
          dx: 10,
          dy,
          fill: colours[drawn[i]!.family],
          fontWeight: drawn[i]!.family === 'tsring' ? 'bold' : 'normal',
        }),
      ),
    ],
  }) as unknown as SvgElement;
  figure.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${figure.outerHTML}\n`;
}

/**
 * How far down each label moves from its line's end so that none covers another: pushed down from the top, then up from the
 * bottom edge.
 *
 * @returns pixels, in the order of `values`
 */
export function labelPositions(values: readonly number[], [low, high]: readonly [number, number]): number[] {
  const bottom = height - margins.marginBottom;
  const span = bottom - margins.marginTop;
  const range = Math.log(high / low) || 1;
  const wanted = values.map((value) => margins.marginTop + (span * Math.log(high / value)) / range);
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed = [...wanted];
  let above = -Infinity;
  for (const i of order) above = placed[i] = Math.max(placed[i]!, above + lineHeight);
  let below = bottom + lineHeight;
  for (const i of order.reverse()) below = placed[i] = Math.min(placed[i]!, below - lineHeight);
  return placed.map((y, i) => y - wanted[i]!);
}

function speed({ busBytesPerSecond }: Result): number {
  return busBytesPerSecond;
}

function powersOfTen([low, high]: readonly [number, number]): number[] {
  const first = Math.ceil(Math.log10(low));
  return Array.from({ length: Math.floor(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
}

function speedName(bytesPerSecond: number): string {
  const unit = Math.max(0, Math.min(3, Math.floor(Math.log10(bytesPerSecond) / 3 + 1e-9)));
  return `${bytesPerSecond / 1000 ** unit} ${['B', 'kB', 'MB', 'GB'][unit]!}/s`;
}
