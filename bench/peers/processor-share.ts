import { readFileSync } from 'node:fs';

/** Readings of the kernel's clocks, in ticks. */
export interface ProcessorTimes {
  /** Of all cores, whatever they did. */
  readonly all: number;
  readonly idle: number;
  /** This process's, and that of its ended descendants. */
  readonly own: number;
}

/** Now. Undefined where there is no /proc. */
export function processorTimes(): ProcessorTimes | undefined {
  try {
    return parseProcessorTimes(readFileSync('/proc/stat', 'latin1'), readFileSync('/proc/self/stat', 'latin1'));
  } catch {
    return undefined;
  }
}

/** @param total - /proc/stat; @param self - /proc/PID/stat */
export function parseProcessorTimes(total: string, self: string): ProcessorTimes {
  // cpu user nice system idle iowait irq softirq steal ...; guests are in user already
  const ticks = total.slice(0, total.indexOf('\n')).trim().split(/\s+/).slice(1, 9).map(Number);
  // after the name: state, then the fields from the fourth on; utime, stime, cutime, cstime are the 14th to 17th
  const own = self
    .slice(self.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return { all: sum(ticks), idle: ticks[3]! + ticks[4]!, own: sum(own) };
}

/** Share of the CPU time between two readings, 0 to 1, that went to anything but this process's own: what hypervisors took too. */
export function otherShare(before: ProcessorTimes, after: ProcessorTimes): number {
  const all = after.all - before.all;
  if (all <= 0) return 0;
  const other = all - (after.idle - before.idle) - (after.own - before.own);
  return Math.min(1, Math.max(0, other / all));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
