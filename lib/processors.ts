import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/** Numbers of the processors that this process may run on. Where the system does not tell (no /proc), as many as it says there are, from 0. */
export function allowedProcessors(root = '/'): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(textIn(path.join(root, 'proc/self/status')))?.[1];
  return list === undefined ? [...Array(availableParallelism()).keys()] : parseCpuList(list);
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

/** What a file of the system says; nothing where there is none, as on a system without /proc or /sys. */
export function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
