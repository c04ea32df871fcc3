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

/** As `checkSameVariables`, blocking this thread. */
export function checkSameVariablesSync(
  name: string,
  variables: readonly VariableShape[],
  options: WithProcessSet = {},
): void {
  const difference = compared(name, decode(allgatherSync(encode(variables), { ...options, name })), options);
  if (difference === undefined) return;
  try {
    barrierSync({ ...options, name: `${name}.known` });
  } catch {
    // A rank has thrown already.
  }
  throw difference;
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

function compared(name: string, byRank: readonly string[][], { processSet }: WithProcessSet): RingError | undefined {
  const { ranks } = sessionOf(name, processSet);
  const reference = byRank[0]!;
  for (const [place, own] of byRank.entries()) {
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
