import { allgather, allgatherSync } from '../collectives.js';
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
 * Compares the variables of all ranks, in order. Every rank learns of all, so every rank fails alike.
 *
 * @throws {RingError} `RING_MISMATCH` naming the first difference
 */
export async function checkSameVariables(
  name: string,
  variables: readonly VariableShape[],
  options: WithProcessSet = {},
): Promise<void> {
  compare(name, decode(await allgather(encode(variables), { ...options, name })), options);
}

/** As `checkSameVariables`, blocking this thread. */
export function checkSameVariablesSync(
  name: string,
  variables: readonly VariableShape[],
  options: WithProcessSet = {},
): void {
  compare(name, decode(allgatherSync(encode(variables), { ...options, name })), options);
}

/** One line of JSON a rank, so that the lines of all ranks can follow each other. */
function encode(variables: readonly VariableShape[]): Uint8Array {
  const rows = variables.map(({ name, shape, dtype }) => [name, dtype, shape]);
  return new TextEncoder().encode(JSON.stringify(rows) + '\n');
}

/** Of each rank, one text a variable, as it appears in messages. */
function decode(lines: Uint8Array): string[][] {
  const ranks = new TextDecoder().decode(lines).trimEnd().split('\n');
  return ranks.map((line) =>
    (JSON.parse(line) as [string, string, number[]][]).map(
      ([name, dtype, shape]) => `${JSON.stringify(name)} ${dtype} [${shape.join(', ')}]`,
    ),
  );
}

function compare(name: string, byRank: readonly string[][], { processSet }: WithProcessSet): void {
  const { ranks } = sessionOf(name, processSet);
  const reference = byRank[0]!;
  byRank.forEach((own, place) => {
    const length = Math.max(own.length, reference.length);
    for (let index = 0; index < length; index++) {
      if (own[index] === reference[index]) continue;
      throw new RingError(
        'RING_MISMATCH',
        `${name}: variable ${index} is ${own[index] ?? 'missing'} on rank ${ranks[place]} and ${reference[index] ?? 'missing'} on rank ${ranks[0]} ` +
          `(${own.length} and ${reference.length} variables); every rank must build the same model, in the same order`,
      );
    }
  });
}
