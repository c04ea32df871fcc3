import { appendFileSync, writeFileSync } from 'node:fs';
import { RingError } from '../errors.js';
import type { Trial } from './trial-search.js';

/** What a search tells of itself. */
export interface TrialLog {
  tried(trial: Trial, bytesPerSecond: number, best: boolean): void;
  chosen(trial: Trial): void;
}

/**
 * A CSV file, begun anew: a line for each trial, and one at the end for what was chosen.
 *
 * @throws {RingError} `RING_CONFIG` when the file cannot be written
 */
export function trialLogIn(file: string): TrialLog {
  try {
    writeFileSync(file, 'outcome,fusion_threshold_bytes,piece_bytes,step_cost_percent,sockets,bytes_per_second\n');
  } catch (error) {
    throw new RingError('RING_CONFIG', `the log of autotune cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const line = (outcome: string, trial: Trial, bytesPerSecond: string) => {
    const { fusionThresholdBytes, pieceBytes, stepCostPercent, sockets } = trial;
    const settings = [fusionThresholdBytes, pieceBytes, stepCostPercent, sockets];
    appendFileSync(file, `${[outcome, ...settings, bytesPerSecond].join()}\n`);
  };
  return {
    tried: (trial, bytesPerSecond, best) => line(best ? 'best' : 'tried', trial, String(Math.round(bytesPerSecond))),
    chosen: (trial) => line('chosen', trial, ''),
  };
}
