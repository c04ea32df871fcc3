import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatSize } from '../../lib/units.js';
import type { PeersOptions } from './options.js';
import { otherShare, processorTimes } from './processor-share.js';
import { runProcesses } from './run-processes.js';
import { type Sample, parseRows } from './sample.js';
import type { System } from './systems.js';

/** A system that can run, with its part's program. */
export interface ReadySystem {
  readonly system: System;
  readonly program: string;
}

export interface Progress {
  sample(sample: Sample): void;
  /** A run that failed, in one line. */
  note(text: string): void;
}

type Settings = Pick<
  PeersOptions,
  'np' | 'sizes' | 'rounds' | 'budget' | 'min_iterations' | 'max_iterations' | 'timeout'
>;

/**
 * Runs every system in turn, round after round. Within a round, all systems do a few sizes at one number of ranks before any does
 * the next, so that what is compared was measured within a minute or so. Ends early, after the run at hand, when `signal` aborts.
 */
export async function measureAll(
  ready: readonly ReadySystem[],
  settings: Settings,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (let round = 0; round < settings.rounds; round++) {
    for (const ranks of settings.np) {
      for (const sizes of sizeGroups(settings.sizes)) {
        for (const { system, program } of ready) {
          if (signal.aborted) return;
          await measureOne({ system, program, ranks, sizes, round, settings, progress, signal });
        }
      }
    }
  }
}

async function measureOne(run: {
  system: System;
  program: string;
  ranks: number;
  sizes: readonly number[];
  round: number;
  settings: Settings;
  progress: Progress;
  signal: AbortSignal;
}): Promise<void> {
  const { system, program, ranks, sizes, round, settings, progress, signal } = run;
  const folder = mkdtempSync(path.join(tmpdir(), 'tsring-peers-'));
  try {
    const commands = system.commands({
      ranks,
      program,
      folder,
      settings: {
        sizes,
        budgetSeconds: settings.budget,
        minIterations: settings.min_iterations,
        maxIterations: settings.max_iterations,
      },
    });
    const before = processorTimes();
    const { output, failure } = await runProcesses(commands, {
      timeoutMs: settings.timeout * 1000,
      signal,
      isComplete: (text) => parseRows(text).length >= sizes.length,
    });
    const after = processorTimes();
    const share = before && after ? { otherShare: otherShare(before, after) } : {};
    const rows = parseRows(output).filter((row) => row.ranks === ranks && sizes.includes(row.bytes));
    for (const row of rows) progress.sample({ system: system.name, round, ...row, ...share });
    const missing = sizes.filter((bytes) => !rows.some((row) => row.bytes === bytes));
    if (failure !== undefined || missing.length > 0) {
      const without = missing.length > 0 ? `, no figures for ${missing.map(formatSize).join(', ')}` : '';
      progress.note(`${system.name}, np ${ranks}, round ${round}: ${failure ?? 'ended well'}${without}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Sizes that share a start of a system: starts cost seconds, but what is far apart in time compares badly. */
export function sizeGroups(sizes: readonly number[]): number[][] {
  const group = (bytes: number) => (bytes <= 2 ** 16 ? 0 : bytes <= 2 ** 24 ? 1 : 2);
  return [0, 1, 2].map((wanted) => sizes.filter((bytes) => group(bytes) === wanted)).filter(({ length }) => length > 0);
}
