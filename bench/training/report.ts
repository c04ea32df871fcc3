import { textTable } from '../text-table.js';
import type { Figures } from './figures.js';

/** A table of all figures, and what went wrong below it. */
export function report(figures: readonly Figures[], notes: readonly string[]): string {
  const mega = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  const table = textTable<Figures>([
    { title: 'hosts', value: ({ network }) => network, width: 11, align: 'left' },
    { title: 'model', value: ({ model }) => model, width: 12, align: 'left' },
    { title: 'np', value: ({ ranks }) => `${ranks}`, width: 2 },
    { title: 'system', value: ({ system }) => system, width: 18, align: 'left' },
    { title: 'TensorFlow', value: ({ tensorflow }) => tensorflow, width: 10 },
    { title: 'threads', value: ({ threads }) => `${threads}`, width: 7 },
    { title: 'batch', value: ({ batch }) => `${batch}`, width: 5 },
    { title: 'pixels', value: ({ imageSize }) => `${imageSize}`, width: 6 },
    { title: 'step ms', value: ({ stepMs }) => stepMs.toFixed(0), width: 7 },
    { title: 'rounds', value: ({ leastMs, largestMs }) => `${leastMs.toFixed(0)}-${largestMs.toFixed(0)}`, width: 11 },
    { title: 'images/s', value: ({ imagesPerSecond }) => imagesPerSecond.toFixed(2), width: 8 },
    { title: 'over tsring', value: ({ ratio }) => ratio?.toFixed(2) ?? '', width: 11 },
    { title: 'communication', value: ({ communication }) => percent(communication), width: 13 },
    { title: 'efficiency', value: ({ efficiency }) => efficiency?.toFixed(2) ?? '', width: 10 },
    { title: 'input', value: ({ input }) => percent(input), width: 6 },
    {
      title: 'peak MB',
      value: ({ leastPeakBytes, peakBytes }) => range(mega(leastPeakBytes), mega(peakBytes)),
      width: 9,
    },
  ]);
  const networks = [...new Set(figures.map(({ network }) => network))];
  const order = (one: Figures) => [one.model, one.imageSize, one.ranks, networks.indexOf(one.network)] as const;
  const sorted = [...figures].sort((a, b) => {
    const [x, y] = [order(a), order(b)];
    return x[0].localeCompare(y[0]) || x[1] - y[1] || x[2] - y[2] || x[3] - y[3];
  });
  return [table.header, ...sorted.map(table.row), ...notes.map((text) => `# ${text}`)].join('\n');
}

export function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(1)} %`;
}

function range(least: string, most: string): string {
  return least === most ? most : `${least}-${most}`;
}
