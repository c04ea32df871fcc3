import { readdirSync, readFileSync } from 'node:fs';

/** Living processes whose environment holds `assignment` (`NAME=value`). Empty where there is no /proc. */
export function processesWith(assignment: string): { pid: number; command: string }[] {
  return pids().flatMap((pid) => {
    const environment = readProc(pid, 'environ').split('\0');
    if (!environment.includes(assignment)) return []; // a zombie has no environment either
    return [{ pid, command: readProc(pid, 'cmdline').replaceAll('\0', ' ').trim() }];
  });
}

/** `file` of a process as text; empty if the process is gone or not ours. */
export function readProc(pid: number, file: 'environ' | 'cmdline' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function pids(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
