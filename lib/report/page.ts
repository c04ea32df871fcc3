import { formatNumber, formatSize, formatTime } from '../units.js';
import { drawBarChart } from './charts/bar-chart.js';
import { type Line, drawLineChart } from './charts/line-chart.js';
import { element, escaped } from './charts/markup.js';
import { comparisonRows, type Run } from './compare.js';
import { efficiencies } from './efficiency.js';
import { nameOfWorkload, type Reduction, type Training } from './measured.js';

/** A run, and the lines that say what it was measured on. */
export interface DescribedRun extends Run {
  readonly about: readonly string[];
}

const style = `body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
svg { display: inline-block; max-width: 100%; font-size: 12px }
figure { margin: 1.5rem 0 } figure ul { list-style: none; padding: 0; columns: 2 }
table { border-collapse: collapse } td, th { padding: 0.2rem 0.8rem; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left } .wide { overflow-x: auto }`;

/** One HTML page with all charts that the runs have figures for, and the figures: a file that needs nothing else, and no script. */
export function reportPage(runs: readonly DescribedRun[]): string {
  const charts = [...bandwidthCharts(runs), ...speedCharts(runs), ...stepCharts(runs), ...efficiencyCharts(runs)];
  const about = runs.map(({ name, about }) =>
    element('li', {}, `${element('b', {}, escaped(name))}<br>${about.map(escaped).join('<br>')}`),
  );
  const head = element(
    'head',
    {},
    `<meta charset="utf-8"><title>tsring: measured</title>${element('style', {}, style)}`,
  );
  const body = [
    element('h1', {}, 'tsring: measured'),
    element('ul', {}, about.join('\n')),
    ...charts,
    element('h2', {}, 'All figures'),
    element('div', { class: 'wide' }, figureTable(runs)),
  ];
  return `<!doctype html>\n${element('html', { lang: 'en' }, `${head}\n${element('body', {}, body.join('\n'))}`)}\n`;
}

/** One for each number of ranks and network. */
function bandwidthCharts(runs: readonly Run[]): string[] {
  const all = runs.flatMap((run) => run.measured.reductions.map((one) => ({ run, one })));
  const placeOf = ({ ranks, network }: Reduction) =>
    `${ranks} ranks${network === undefined ? '' : ` on hosts linked by ${network}`}`;
  return [...groupBy(all, ({ one }) => placeOf(one))].map(([place, here]) =>
    drawLineChart({
      title: `Allreduce, ${place}`,
      ...{ xLabel: 'bytes', yLabel: 'bus bandwidth', yScale: 'log', formatX: formatSize, formatY: formatBandwidth },
      lines: linesOf(here, ({ run, one }) => nameIn(runs, run, one.system), ({ one }) => ({
        x: one.bytes,
        y: one.busBytesPerSecond.value,
      })), // prettier-ignore
    }),
  );
}

/** Images a second, one for each model. */
function speedCharts(runs: readonly Run[]): string[] {
  return byModel(runs).map(([model, here]) =>
    drawBarChart({
      title: `${model}: images/s`,
      note: 'of all ranks; the line over the end of a bar: from the slowest to the fastest round',
      parts: ['images/s'],
      format: formatNumber,
      bars: here.map(({ run, one }) => {
        const { value, least, most, rounds } = one.imagesPerSecond;
        return {
          label: labelOf(runs, run, one),
          values: [value],
          ...(rounds > 1 && { range: [least, most] as const }),
        };
      }),
    }),
  );
}

function stepCharts(runs: readonly Run[]): string[] {
  const names = ['compute', 'communication', 'waiting', 'input'] as const;
  return byModel(runs).flatMap(([model, all]) => {
    const here = all.filter(({ one }) => one.parts !== undefined);
    if (here.length === 0) return [];
    const bars = here.map(({ run, one }) => ({
      label: labelOf(runs, run, one),
      values: names.map((name) => one.parts![name] / 1000),
    }));
    const note = 'where the time goes; communication that is exposed, and waiting for other ranks';
    return [drawBarChart({ title: `${model}: a step`, note, parts: names, format: formatTime, bars })];
  });
}

function efficiencyCharts(runs: readonly Run[]): string[] {
  const all = runs.flatMap((run) => efficiencies(run.measured.trainings).map((one) => ({ run, one })));
  return [...groupBy(all, ({ one }) => one.training.model)].map(([model, here]) =>
    drawLineChart({
      title: `${model}: scaling efficiency`,
      ...{ xLabel: 'ranks', yLabel: 'images/s over those of one rank times ranks', yScale: 'linear' },
      ...{ formatX: String, formatY: (share: number) => `${formatNumber(100 * share)} %` },
      lines: linesOf(here, ({ run, one }) => nameIn(runs, run, one.training.system), ({ one }) => ({
        x: one.training.ranks,
        y: one.efficiency,
      })), // prettier-ignore
    }),
  );
}

function figureTable(runs: readonly Run[]): string {
  const row = (kind: 'td' | 'th', cells: readonly string[]) =>
    element('tr', {}, cells.map((cell) => element(kind, {}, escaped(cell))).join(''));
  const [head, ...rows] = comparisonRows(runs);
  return element('table', {}, [row('th', head!), ...rows.map((cells) => row('td', cells))].join('\n'));
}

function byModel(runs: readonly Run[]): [string, { run: Run; one: Training }[]][] {
  const all = runs.flatMap((run) => run.measured.trainings.map((one) => ({ run, one })));
  return [...groupBy(all, ({ one }) => one.model)];
}

function labelOf(runs: readonly Run[], run: Run, training: Training): string {
  return nameIn(runs, run, `${training.system}, ${nameOfWorkload(training)}`);
}

/** Which run it is of, where there are several. */
function nameIn(runs: readonly Run[], run: Run, name: string): string {
  return runs.length === 1 ? name : `${run.name}: ${name}`;
}

function linesOf<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  pointOf: (one: T) => Line['points'][number],
): Line[] {
  return [...groupBy(all, nameOf)].map(([name, here]) => ({ name, points: here.map(pointOf) }));
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

function formatBandwidth(bytesPerSecond: number): string {
  const unit = Math.max(0, Math.min(3, Math.floor(Math.log10(bytesPerSecond) / 3 + 1e-9)));
  return `${formatNumber(bytesPerSecond / 1000 ** unit)} ${['B', 'kB', 'MB', 'GB'][unit]!}/s`;
}
