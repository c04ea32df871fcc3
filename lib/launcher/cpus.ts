import { readdirSync } from 'node:fs';
import path from 'node:path';
import { allowedProcessors, parseCpuList, textIn } from '../processors.js';

/** A processor that this process may run on. Processors with the same `core` are threads of one core. */
export interface Cpu {
  readonly cpu: number;
  readonly core: string;
  readonly node: number;
}

/** As the system lists them, from the first. Where it does not tell (no /proc or /sys), all are cores of their own on node 0. */
export function allowedCpus(root = '/'): Cpu[] {
  const nodes = nodeOfCpu(path.join(root, 'sys/devices/system/node'));
  return allowedProcessors(root).map((cpu) => {
    const topology = path.join(root, `sys/devices/system/cpu/cpu${cpu}/topology`);
    const place = ['physical_package_id', 'core_id'].map((file) => textIn(path.join(topology, file)).trim());
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

function nodeOfCpu(folder: string): Map<number, number> {
  const nodes = new Map<number, number>();
  for (const name of list(folder)) {
    const node = /^node(\d+)$/.exec(name)?.[1];
    if (node === undefined) continue;
    for (const cpu of parseCpuList(textIn(path.join(folder, name, 'cpulist')))) nodes.set(cpu, Number(node));
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
