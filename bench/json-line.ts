import { appendFileSync } from 'node:fs';

/** Appends one line of JSON to a file, so that runs gather in it and each line stands for itself. NaN becomes null. */
export function appendJsonLine(file: string, record: Readonly<Record<string, unknown>>): void {
  appendFileSync(file, `${JSON.stringify(record)}\n`);
}
