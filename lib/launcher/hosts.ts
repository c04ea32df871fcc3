import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { RingError } from '../errors.js';
import { type CountOrRule, mostRanks } from './flag-values.js';

/** A host as the user names it. */
export interface HostSpec {
  readonly host: string;
  /** Undefined: as many as `--nproc-per-node` says, or one for each time that the host is named. */
  readonly slots: CountOrRule | undefined;
  /** No more ranks than these, even with `--oversubscribe`. */
  readonly maxSlots?: number;
  /** How often it was named without a number of slots. */
  readonly mentions: number;
}

/** `a:2,b:2,c`, as mpirun and horovodrun have it. A host that is named again has the slots of both. */
export function parseHostList(text: string): HostSpec[] {
  const specs = text.split(',').map((entry) => {
    const [, v6, name, digits] = /^(?:\[([\da-fA-F:.%\w]+)\]|([^:\s[\]=]+))(?::(\d+))?$/.exec(entry.trim()) ?? [];
    const host = v6 ?? name;
    const slots = digits === undefined ? undefined : Number(digits);
    if (host === undefined || host.startsWith('-') || slots === 0 || (slots ?? 0) > mostRanks) {
      throw new InvalidArgumentError(`'${entry}' is not HOST or HOST:SLOTS`);
    }
    return { host, slots, mentions: slots === undefined ? 1 : 0 };
  });
  return merge(specs);
}

/**
 * Lines of `host slots=N max_slots=M`, or `host:N` as MPICH has it; `#` begins a comment.
 *
 * @throws RING_INVALID_ARGUMENT naming the file and the line
 */
export function readHostfile(file: string): HostSpec[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RingError('RING_INVALID_ARGUMENT', `the hostfile cannot be read: ${why}`, { cause });
  }
  const specs = text.split('\n').flatMap((line, index) => {
    const words = line
      .replace(/#.*/s, '')
      .replaceAll(/\s*=\s*/g, '=')
      .trim();
    return words === '' ? [] : [parseHostLine(words.split(/\s+/), `${file}:${index + 1}`)];
  });
  if (specs.length === 0) throw new RingError('RING_INVALID_ARGUMENT', `the hostfile ${file} names no host`);
  return merge(specs);
}

function parseHostLine([name = '', ...settings]: string[], where: string): HostSpec {
  const wrong = (what: string) => new RingError('RING_INVALID_ARGUMENT', `${where}: ${what}`);
  let spec: HostSpec;
  try {
    const [only, ...more] = parseHostList(name);
    if (only === undefined || more.length > 0) throw new InvalidArgumentError('one host a line');
    spec = only;
  } catch (error) {
    throw wrong((error as Error).message);
  }
  for (const setting of settings) {
    const [, key = '', digits] = /^([^=]+)=(\d+)$/.exec(setting) ?? [];
    const count = Number(digits);
    const isSlots = key === 'slots' || key === 'cpus' || key === 'count';
    if (!isSlots && !/^max[_-]slots$/.test(key)) {
      throw wrong(`'${setting}' is not known; a line is: host slots=N max_slots=N`);
    }
    if (count < 1 || count > mostRanks) throw wrong(`${setting}: a number from 1 to ${mostRanks} is needed`);
    spec = isSlots ? { ...spec, slots: count, mentions: 0 } : { ...spec, maxSlots: count };
  }
  if (typeof spec.slots === 'number' && spec.maxSlots !== undefined && spec.maxSlots < spec.slots) {
    throw wrong(`max_slots=${spec.maxSlots} is less than slots=${spec.slots}`);
  }
  return spec;
}

function merge(specs: readonly HostSpec[]): HostSpec[] {
  const merged = new Map<string, HostSpec>();
  for (const spec of specs) {
    const before = merged.get(spec.host);
    merged.set(spec.host, before === undefined ? spec : add(before, spec));
  }
  return [...merged.values()];
}

function add(one: HostSpec, other: HostSpec): HostSpec {
  const sum = (a: CountOrRule | undefined, b: CountOrRule | undefined) =>
    a === undefined && b === undefined ? undefined : Number(a ?? 0) + Number(b ?? 0);
  const maxSlots = sum(one.maxSlots, other.maxSlots);
  return {
    host: one.host,
    slots: sum(one.slots, other.slots),
    mentions: one.mentions + other.mentions,
    ...(maxSlots === undefined ? {} : { maxSlots }),
  };
}
