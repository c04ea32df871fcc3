import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/** A processor that this process may run on. Processors with the same `core` are threads of one core. */
export interface Cpu {
  readonly cpu: number;
  readonly core: string;
  readonly node: number;
}

/** As the system lists them, from the first. Where it does not tell (no /proc or /sys), all are cores of their own on node 0. */
export function allowedCpus(root = '/'): Cpu[] {
  const status = read(path.join(root, 'proc/self/status'));
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1];
  const cpus = list === undefined ? [...Array(availableParallelism()).keys()] : parseCpuList(list);
  const nodes = nodeOfCpu(path.join(root, 'sys/devices/system/node'));
  return cpus.map((cpu) => {
    const topology = path.join(root, `sys/devices/system/cpu/cpu${cpu}/topology`);
    const place = ['physical_package_id', 'core_id'].map((file) => read(path.join(topology, file)).trim());
    return { cpu, core: place.includes('') ? `cpu${cpu}` : place.join(':'), node: nodes.get(cpu) ?? 0 };
  });
}

/**
 * The part of `things` of sharer number `index`, when they are shared out as evenly as they can be, neighbours together. Where
 * sharers outnumber things each has one, and neighbours have the same.
 */
export function shareOf<T>(things: readonly T[], sharers: number, index: number): T[] {
  const first = Math.floor((index * things.length) / sharers);
  const next = Math.floor(((index + 1) * things.length) / sharers);
  return things.slice(first, Math.max(first + 1, next));
}

/** The kernel's form: `0-3,8`. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

export function formatCpuList(cpus: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const cpu of [...cpus].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run?.[1] === cpu - 1) run[1] = cpu;
    else runs.push([cpu, cpu]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

function nodeOfCpu(folder: string): Map<number, number> {
  const nodes = new Map<number, number>();
  for (const name of list(folder)) {
    const node = /^node(\d+)$/.exec(name)?.[1];
    if (node === undefined) continue;
    for (const cpu of parseCpuList(read(path.join(folder, name, 'cpulist')))) nodes.set(cpu, Number(node));
  }
  return nodes;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // a system without NUMA nodes
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
