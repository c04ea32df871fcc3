import { userSettingNames, variableOf } from '../settings.js';
import { formatCpuList } from '../processors.js';
import type { RankStart } from './job-host.js';
import { labelOf } from './process-names.js';

/** A table of what goes where: rank, host, local rank, processors, GPU, threads. */
export function placementTable(ranks: readonly RankStart[]): string[] {
  const rows = ranks.map(({ placement, environment, cpus }) => [
    labelOf(placement),
    placement.host,
    placement.server === undefined ? `${placement.localRank} of ${placement.localSize}` : '-',
    environment['TSRING_HOST'] ?? '',
    cpus === undefined ? 'any' : formatCpuList(cpus),
    environment['CUDA_VISIBLE_DEVICES'] || '-',
    environment['OMP_NUM_THREADS'] ?? '-',
  ]);
  const head = ['rank', 'host', 'local rank', 'address', 'cpus', 'gpu', 'threads'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** Settings of the ranks that somebody has set, one line; none if nobody has. */
export function settingsLine([first]: readonly RankStart[]): string[] {
  const names = [...threadVariables, ...userSettingNames.map(variableOf)];
  const set = names.filter((name) => first?.environment[name] !== undefined);
  return set.length === 0 ? [] : [`with ${set.map((name) => `${name}=${first!.environment[name]!}`).join(' ')}`];
}

const threadVariables = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'TF_FORCE_GPU_ALLOW_GROWTH'];

/** Where hosts differ in their number of ranks, two-level collectives have less to share out. */
export function unevenNotice(ranks: readonly RankStart[]): string[] {
  const sizes = new Set(ranks.map(({ placement }) => placement.localSize));
  return sizes.size < 2
    ? []
    : [`hosts have different numbers of ranks: ${[...sizes].sort((a, b) => a - b).join(', ')}`];
}
