import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { RingError } from '../errors.js';

/** One operation of one rank. Times are microseconds of rank 0's clock; absent: it did not get so far. */
const operation = z.object({
  /** Of this rank's operations, from 1. */
  sequence: z.number(),
  /** The how-manieth that all ranks asked for, the same on every rank; 0: not all did. */
  agreed: z.number(),
  name: z.string(),
  kind: z.string(),
  dtype: z.string(),
  op: z.string().optional(),
  rootRank: z.number().optional(),
  tensors: z.number(),
  /** Of the first tensor. */
  shape: z.array(z.number()),
  /** Of the shapes of all tensors. */
  shapesHash: z.string(),
  bytes: z.number(),
  state: z.enum(['submitted', 'agreed', 'running', 'done', 'failed']),
  code: z.string().optional(),
  way: z.enum(['direct', 'coordinated']),
  algorithm: z.string(),
  submittedUs: z.number(),
  agreedUs: z.number().optional(),
  startedUs: z.number().optional(),
  endedUs: z.number().optional(),
});

const dump = z.object({
  version: z.literal(1),
  /** Its number in the job. */
  rank: z.number(),
  /** All of the ring: of the job, or of a process set. */
  ranks: z.array(z.number()),
  /** Which ring of the process. */
  generation: z.number(),
  jobId: z.string(),
  hostname: z.string(),
  /** Why it was written. */
  reason: z.string(),
  writtenUs: z.number(),
  /** The oldest first. */
  operations: z.array(operation),
});

export type FlightOperation = z.infer<typeof operation>;
export type FlightDump = z.infer<typeof dump>;

/**
 * The dumps in `files`, one list a ring, each in order of rank; a folder stands for all that are in it.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT`: a file that is no dump, or none at all
 */
export function readDumps(files: readonly string[]): FlightDump[][] {
  const dumps = files.flatMap(dumpsOf).map(readDump);
  if (dumps.length === 0) throw refuse(`no flight-*.json in ${files.join(', ')}`);
  const rings = new Map<string, FlightDump[]>();
  for (const dump of dumps.sort((a, b) => a.rank - b.rank)) {
    const ring = [dump.jobId, dump.generation, ...dump.ranks].join(' ');
    rings.set(ring, [...(rings.get(ring) ?? []), dump]);
  }
  return [...rings.values()];
}

function dumpsOf(file: string): string[] {
  if (!statSync(file, { throwIfNoEntry: false })?.isDirectory()) return [file];
  const names = readdirSync(file).filter((name) => /^flight-\d+(\.\d+)?(\.set[-\d]+)?\.json$/.test(name));
  return names.map((name) => path.join(file, name));
}

function readDump(file: string): FlightDump {
  try {
    return dump.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw refuse(`${file} is no dump of a flight recorder: ${(error as Error).message.split('\n')[0]}`);
  }
}

function refuse(text: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', `analyze: ${text}`);
}
