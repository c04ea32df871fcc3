import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { RingError } from '../errors.js';
import { comparisonTable } from './compare.js';
import { measuredIn } from './measured.js';
import { type DescribedRun, reportPage } from './page.js';
import { readRecords } from './read-records.js';
import type { BenchmarkRecord } from './records.js';

/**
 * What `tsrun report` prints: a table of all figures in the files, later files beside the first. Writes the page, too.
 *
 * @param html - where the page goes
 * @throws {RingError} `RING_INVALID_ARGUMENT`: a file that no benchmark wrote, or a page that cannot be written
 */
export function report(files: readonly string[], html: string): string {
  const names = shortNames(files);
  const runs = files.map((file, i) => describe(names[i]!, readRecords(file)));
  try {
    writeFileSync(html, reportPage(runs));
  } catch (error) {
    throw new RingError('RING_INVALID_ARGUMENT', `the page cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return `${comparisonTable(runs)}\ncharts: ${html}\n`;
}

function describe(name: string, records: readonly BenchmarkRecord[]): DescribedRun {
  const about = records.map(({ benchmark, time, commit, machine }) => {
    const where = machine && `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, node ${machine.node}`; // prettier-ignore
    return [benchmark, time, commit && `commit ${commit}`, where].filter((part) => part !== undefined).join('; ');
  });
  return { name, measured: measuredIn(records), about: [...new Set(about)] };
}

/** The files' names, with as much of their folders as tells them apart. */
function shortNames(files: readonly string[]): string[] {
  const base = files.map((file) => path.basename(file));
  return new Set(base).size === files.length ? base : [...files];
}
