import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { RingError } from '../errors.js';
import type { AlgorithmCosts } from '../native/binding.js';
import { algorithmNames } from '../settings.js';

const whole = z.number().int().min(0).max(4_294_967_295);
const cost = z.strictObject({ stepNanoseconds: whole, bytePicoseconds: whole });
const costs = z.strictObject({
  ...(Object.fromEntries(algorithmNames.map((name) => [name, cost])) as Record<
    (typeof algorithmNames)[number],
    typeof cost
  >),
  combinePicoseconds: whole,
});
const measurement = z.strictObject({
  /** How many ranks on the host measured. */
  ranks: z.number().int().min(2),
  /** ISO 8601. */
  time: z.string(),
  costs,
});
const schema = z.strictObject({ version: z.literal(1), hosts: z.record(z.string(), measurement) });

/** What `tsrun --tune` has measured on one kind of host. */
export type Measurement = z.output<typeof measurement>;

/**
 * The costs measured on this kind of host: from `file`, or else from the usual one if that is there. Undefined where there are none.
 *
 * @param file - `none` for no file at all
 * @throws {RingError} `RING_CONFIG`: the file is not there although it was named, cannot be read or makes no sense
 */
export function readCosts(file?: string): { readonly costs: AlgorithmCosts; readonly file: string } | undefined {
  if (file === 'none') return undefined;
  const from = path.resolve(file ?? usualFile());
  const text = readText(from, file !== undefined);
  const found = text === undefined ? undefined : parse(text, from).hosts[hostClass()];
  return found === undefined ? undefined : { costs: found.costs, file: from };
}

/** Puts what was measured on this kind of host in a file, beside what other kinds have there; a file that makes no sense is replaced. */
export function writeMeasurement(measured: Measurement, file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const text = `${JSON.stringify({ version: 1, hosts: { ...othersIn(file), [hostClass()]: measured } }, undefined, 2)}\n`;
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, file);
}

export function usualFile(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(env['XDG_CONFIG_HOME'] || path.join(os.homedir(), '.config'), 'tsring', 'tuning.json');
}

/** Hosts of one class cost the same: processor, cores of the host (not those that this rank is bound to), architecture. */
export function hostClass(): string {
  return `${os.cpus()[0]?.model.trim() ?? 'unknown processor'}, ${os.cpus().length} cores, ${os.arch()}`;
}

function readText(file: string, wanted: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!wanted && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RingError('RING_CONFIG', `the tuning file cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function parse(text: string, file: string): z.output<typeof schema> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw malformed(file, (error as Error).message, error);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path: where = [], message = 'it makes no sense' } = parsed.error.issues[0] ?? {};
  throw malformed(file, `${where.length === 0 ? '' : `${where.join(' > ')}: `}${message}`, parsed.error);
}

function malformed(file: string, what: string, cause: unknown): RingError {
  const remedy = 'write it anew with tsrun --tune, remove it, or set TSRING_TUNING_FILE=none';
  return new RingError('RING_CONFIG', `the tuning file ${file} is malformed: ${what}; ${remedy}`, { cause });
}

function othersIn(file: string): Record<string, Measurement> {
  try {
    return parse(readFileSync(file, 'utf8'), file).hosts;
  } catch {
    return {}; // none yet, or nothing of use
  }
}
