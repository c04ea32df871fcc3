import { InvalidArgumentError } from 'commander';

/** Readers of a flag's value. Each throws with what is allowed, which the parser puts behind the flag and the value. */

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed`);
  };
}

export function atLeast(least: number): (text: string) => number {
  return numberThat((value) => value >= least, `a number of at least ${least}`);
}

export function over(limit: number): (text: string) => number {
  return numberThat((value) => value > limit, `a number over ${limit}`);
}

function numberThat(fits: (value: number) => boolean, what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && fits(value)) return value;
    throw new InvalidArgumentError(`${what} is needed`);
  };
}

/** Several with a comma between. */
export function listOf<T>(reader: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map(reader);
}

export type CountOrRule = number | 'auto' | 'gpu' | 'cpu';

/** As torchrun has it: a number, or what is counted. */
export function countOrRule(text: string): CountOrRule {
  if (text === 'auto' || text === 'gpu' || text === 'cpu') return text;
  try {
    return wholeNumber(1, mostRanks)(text);
  } catch {
    throw new InvalidArgumentError(`a whole number from 1 to ${mostRanks}, auto, gpu or cpu is needed`);
  }
}

export const mostRanks = 1024;

export function oneOf<const T extends string>(...allowed: T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((name) => name === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1) ?? ''} is needed`);
  };
}

/** Comma-separated names, none of them empty. */
export function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return names;
  throw new InvalidArgumentError('names with a comma between them are needed');
}

/** Variables for the ranks; undefined for one that was named without a value and is not set here. */
export type Assignments = Readonly<Record<string, string | undefined>>;

export function assignment(text: string, before: Assignments): Assignments {
  const [, name, , value] = /^([^=]+)(=(.*))?$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('VAR or VAR=value is needed');
  return { ...before, [name]: value ?? process.env[name] };
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export function endpoint(text: string): Endpoint {
  const [, v6, name, digits] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = v6 ?? name;
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new InvalidArgumentError('host:port is needed');
}

export function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
