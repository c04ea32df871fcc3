import { appendFileSync } from 'node:fs';
import type { BenchmarkRecord } from '../lib/report/records.js';

/** Appends one line of JSON to a file, so that runs gather in it and each line stands for itself. NaN becomes null. */
export function appendJsonLine(file: string, record: Readonly<Record<string, unknown>>): void {
  appendFileSync(file, `${JSON.stringify(record)}\n`);
}

/** The same for a record that `tsrun report` reads, with more in it than that needs. */
export function appendRecord(file: string, record: BenchmarkRecord & Readonly<Record<string, unknown>>): void {
  appendJsonLine(file, record);
}

/** JSON that `tsrun report` reads. */
export function recordText(record: BenchmarkRecord, indent?: number): string {
  return `${JSON.stringify(record, undefined, indent)}\n`;
}
