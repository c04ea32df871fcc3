import { allgather, allgatherSync, barrier, barrierSync } from '../collectives.js';
import { RingError } from '../errors.js';
import { sessionOf } from '../process-set.js';
import type { WithProcessSet } from './within.js';

/** What must be equal on all ranks of one variable of a model. */
export interface VariableShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/**
 * Compares the variables of all ranks, in order. Every rank learns of all, so every rank fails alike: none before all know, as a rank that ends by
 * its error would be the reason for the others'.
 *
 * @throws {RingError} `RING_MISMATCH` naming the first difference
 */
export async function checkSameVariables(
  name: string,
  variables: readonly VariableShape[],
  options: WithProcessSet = {},
): Promise<void> {
  const difference = compared(name, decode(await allgather(encode(variables), { ...options, name })), options);
  if (difference === undefined) return;
  try {
    await barrier({ ...options, name: `${name}.known` });
  } catch {
    // A rank has thrown already.
  }
  throw difference;
}

/** As `checkSameVariables`, blocking this thread. @param settings - that must be equal, too; undefined for one that was not given */
export function checkSameVariablesSync(
  name: string,
  variables: readonly VariableShape[],
  options: WithProcessSet = {},
  settings: Settings = {},
): void {
  const byRank = decode(allgatherSync(encode(variables, settings), { ...options, name }));
  const difference = compared(name, byRank, options);
  if (difference === undefined) return;
  try {
    barrierSync({ ...options, name: `${name}.known` });
  } catch {
    // A rank has thrown already.
  }
  throw difference;
}

/** By name: options of what is reduced or sent. */
type Settings = Readonly<Record<string, unknown>>;

/** What a rank has told. */
interface Told {
  /** One text a variable, as it appears in messages. */
  readonly variables: readonly string[];
  readonly settings: ReadonlyMap<string, string>;
}

/** One line of JSON a rank, so that the lines of all ranks can follow each other. */
function encode(variables: readonly VariableShape[], settings: Settings = {}): Uint8Array {
  const rows = variables.map(({ name, shape, dtype }) => [name, dtype, shape]);
  const texts = Object.entries(settings).map(([name, value]) => [
    name,
    value === undefined ? 'not given' : JSON.stringify(value),
  ]);
  return new TextEncoder().encode(JSON.stringify([rows, texts]) + '\n');
}

function decode(lines: Uint8Array): Told[] {
  const ranks = new TextDecoder().decode(lines).trimEnd().split('\n');
  return ranks.map((line) => {
    const [rows, settings] = JSON.parse(line) as [[string, string, number[]][], [string, string][]];
    const variables = rows.map(([name, dtype, shape]) => `${JSON.stringify(name)} ${dtype} [${shape.join(', ')}]`);
    return { variables, settings: new Map(settings) };
  });
}

function compared(name: string, byRank: readonly Told[], { processSet }: WithProcessSet): RingError | undefined {
  const { ranks } = sessionOf(name, processSet);
  const { variables: reference, settings } = byRank[0]!;
  for (const [place, told] of byRank.entries()) {
    for (const [setting, value] of settings) {
      const own = told.settings.get(setting);
      if (own === value) continue;
      return new RingError(
        'RING_MISMATCH',
        `${name}: ${setting} is ${own} on rank ${ranks[place]} and ${value} on rank ${ranks[0]}; give all ranks the same options`,
      );
    }
    const own = told.variables;
    const length = Math.max(own.length, reference.length);
    for (let index = 0; index < length; index++) {
      if (own[index] === reference[index]) continue;
      return new RingError(
        'RING_MISMATCH',
        `${name}: variable ${index} is ${own[index] ?? 'missing'} on rank ${ranks[place]} and ${reference[index] ?? 'missing'} on rank ${ranks[0]} ` +
          `(${own.length} and ${reference.length} variables); every rank must build the same model, in the same order`,
      );
    }
  }
  return undefined;
}
