import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { RingError } from '../errors.js';
import { benchmarkRecord, type BenchmarkRecord } from './records.js';

/**
 * The records in a file that a benchmark wrote: one, or one a line.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT`: it cannot be read, is empty, or holds something else; the message names the line
 */
export function readRecords(file: string): BenchmarkRecord[] {
  const text = readText(file);
  const whole = parsed(text);
  if (whole !== undefined) return [recordOf(whole, `${file}, line 1`)];
  const lines = text.split('\n').map((line, i) => ({ line: line.trim(), where: `${file}, line ${i + 1}` }));
  const filled = lines.filter(({ line }) => line !== '');
  if (filled.length === 0) throw refuse(`${file} is empty`);
  return filled.map(({ line, where }) => {
    const value = parsed(line);
    if (value === undefined) throw refuse(`${where}: this is no JSON; ${wanted}`);
    return recordOf(value, where);
  });
}

function recordOf(value: unknown, where: string): BenchmarkRecord {
  const result = benchmarkRecord.safeParse(value);
  if (result.success) return result.data;
  throw refuse(`${where}: ${whatIsWrong(value, result.error)}`);
}

function whatIsWrong(value: unknown, { issues: [issue] }: z.ZodError): string {
  const name = (value as { benchmark?: unknown } | null)?.benchmark;
  if (name === undefined) return `this was not written by a benchmark; ${wanted}`;
  const benchmark = JSON.stringify(name);
  if (issue?.path[0] === 'benchmark') return `no benchmark ${benchmark} is known; ${wanted}`;
  return `this is not what the benchmark ${benchmark} writes: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
}

const wanted =
  'files are wanted that train.js, bench:overlap, bench:collectives or bench:network wrote with --json, training.json, or collectives.json';

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(`${file} cannot be read: ${(error as Error).message}`, error);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON, or several lines of it
  }
}

function refuse(text: string, cause?: unknown): RingError {
  return new RingError('RING_INVALID_ARGUMENT', text, { cause });
}
