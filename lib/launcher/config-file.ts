import { readFileSync } from 'node:fs';
import type { Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import { isMap, isScalar, LineCounter, type Pair, parseDocument } from 'yaml';
import { z } from 'zod';
import { RingError } from '../errors.js';
import { nearest } from './nearest.js';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/**
 * The flags that a configuration file stands for, to be put before those of the command line, which so win. The file is a YAML mapping:
 * `num-proc: 4`, `verbose: true`, `hosts: [a:2, b:2]`, and below `x` the variables by name.
 *
 * @throws RING_INVALID_ARGUMENT naming the file, the line and the flag
 */
export function readConfigFile(file: string, options: readonly Option[]): string[] {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines });
  const at = (offset: number | undefined) => `${file}:${offset === undefined ? 1 : lines.linePos(offset).line}`;
  const [broken] = document.errors;
  if (broken) throw wrong(at(broken.pos[0]), broken.message.split('\n')[0]!.replace(/ at line \d+.*$/, ''));
  const { contents } = document;
  if (contents === null) return [];
  if (!isMap(contents)) throw wrong(at(contents.range[0]), 'lines of `flag: value` are needed');
  return contents.items.flatMap((pair) => {
    const { name, where } = keyOf(pair, at);
    const value: unknown = (pair.value as { toJS(doc: unknown): unknown } | null)?.toJS(document);
    return flagsOf(name, value, options, where);
  });
}

/** The arguments for one line of the file. */
function flagsOf(name: string, value: unknown, options: readonly Option[], where: string): string[] {
  if (name === 'x') return assignments('-x', value, where);
  if (name === 'spark-conf') return assignments('--spark-conf', value, where);
  const known = options.filter(({ long, hidden }) => long !== undefined && !hidden && long !== '--config');
  const option = known.find(({ long, negate }) => long === `--${name}` && !negate);
  if (option === undefined) {
    const names = [...known.map(({ long }) => long!.slice(2)), 'x'];
    const meant = nearest(name, names);
    throw wrong(where, `there is no flag '${name}'${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  const isSwitch = !option.required && !option.optional;
  if (isSwitch) return switchFlag(name, value, known, where);
  const parsed = z.union([scalar, z.array(scalar).min(1)]).safeParse(value);
  if (!parsed.success) throw wrong(where, `${name}: a value is needed`);
  const text = Array.isArray(parsed.data) ? parsed.data.join(',') : String(parsed.data);
  try {
    option.parseArg?.(text, option.defaultValue as undefined);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw wrong(where, `${name}: '${text}' is invalid: ${error.message}`);
    throw error;
  }
  return [`--${name}=${text}`];
}

function switchFlag(name: string, value: unknown, known: readonly Option[], where: string): string[] {
  const parsed = z.boolean().safeParse(value);
  if (!parsed.success) throw wrong(where, `${name}: true or false is needed`);
  if (parsed.data) return [`--${name}`];
  return known.some(({ long }) => long === `--no-${name}`) ? [`--no-${name}`] : [];
}

/** A flag that is given once for each. */
function assignments(flag: string, value: unknown, where: string): string[] {
  const parsed = z.record(z.string().min(1), scalar).safeParse(value);
  if (!parsed.success)
    throw wrong(
      where,
      `${flag.replace(/^-+/, '')}: lines of \`${flag === '-x' ? 'VARIABLE' : 'NAME'}: value\` are needed below it`,
    );
  return Object.entries(parsed.data).flatMap(([name, text]) => [flag, `${name}=${text}`]);
}

function keyOf(pair: Pair, at: (offset: number | undefined) => string): { name: string; where: string } {
  const { key } = pair;
  if (!isScalar(key)) throw wrong(at(undefined), 'a name of a flag is needed before each colon');
  return { name: String(key.value).replace(/^--/, ''), where: at(key.range?.[0]) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw wrong('--config', cause instanceof Error ? cause.message : String(cause));
  }
}

function wrong(where: string, what: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', `${where}: ${what}`);
}
