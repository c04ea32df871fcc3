import type { FlightDump, FlightOperation } from './dump-file.js';

/** The first operation at which ranks did not do the same. */
export type Divergence =
  /** All asked for something at this point, and not for the same. */
  | { readonly kind: 'different'; readonly what: string; readonly byRank: ReadonlyMap<number, FlightOperation> }
  /** Some wait for it, others never asked for it. */
  | {
      readonly kind: 'missing';
      readonly operation: FlightOperation;
      readonly waiting: readonly number[];
      readonly missing: readonly number[];
    }
  /** Some have finished it, others have not. */
  | {
      readonly kind: 'unfinished';
      readonly operation: FlightOperation;
      readonly done: readonly number[];
      readonly inside: readonly number[];
    };

export interface Analysis {
  /** The last one that all ranks did alike. */
  readonly lastCommon: FlightOperation | undefined;
  /** Absent: as far as the dumps go, ranks did the same. */
  readonly first: Divergence | undefined;
}

/**
 * Compares what ranks did. Operations that all asked for have a number that is the same everywhere, and are compared one by one; what
 * has no number yet is something that ranks wait in.
 *
 * @param dumps - of one ring, one a rank; ranks without one are left out of account
 */
export function findDivergence(dumps: readonly FlightDump[]): Analysis {
  const agreed = dumps.map(
    ({ operations }) => new Map(operations.filter((o) => o.agreed > 0).map((o) => [o.agreed, o])),
  );
  // Older ones are no longer kept by every rank.
  const begin = Math.max(
    1,
    ...agreed.map((byNumber) => Math.min(...byNumber.keys(), Infinity)).filter(Number.isFinite),
  );
  const end = Math.max(0, ...agreed.map((byNumber) => Math.max(0, ...byNumber.keys())));
  let lastCommon: FlightOperation | undefined;
  for (let number = begin; number <= end; number++) {
    const byRank = new Map<number, FlightOperation>();
    dumps.forEach(({ rank }, index) => {
      const found = agreed[index]!.get(number);
      if (found !== undefined) byRank.set(rank, found);
    });
    const found = compare(byRank) ?? unfinished(dumps, byRank);
    if (found !== undefined) return { lastCommon, first: found };
    lastCommon = [...byRank.values()][0] ?? lastCommon;
  }
  return { lastCommon, first: firstMissing(dumps) };
}

function compare(byRank: ReadonlyMap<number, FlightOperation>): Divergence | undefined {
  const all = [...byRank.values()];
  const first = all[0];
  if (first === undefined) return undefined;
  for (const [what, of] of aspects) {
    if (all.some((operation) => of(operation) !== of(first))) return { kind: 'different', what, byRank };
  }
  return undefined;
}

/** Kinds whose first dimension may differ from rank to rank. */
const mayDiffer: ReadonlySet<string> = new Set(['allgather', 'alltoall']);

/** What must be the same, in the order in which it is told. */
const aspects: readonly (readonly [what: string, of: (operation: FlightOperation) => unknown])[] = [
  ['order', ({ name }) => name],
  ['operation', ({ kind }) => kind],
  ['dtype', ({ dtype }) => dtype],
  ['op', ({ op }) => op],
  ['root rank', ({ rootRank }) => rootRank],
  ['number of tensors', ({ tensors }) => tensors],
  // The first dimension of what is gathered may differ.
  ['shape', ({ kind, shape, shapesHash }) => (mayDiffer.has(kind) ? shape.slice(1).join() : shapesHash)],
];

function unfinished(
  dumps: readonly FlightDump[],
  byRank: ReadonlyMap<number, FlightOperation>,
): Divergence | undefined {
  const ended = ({ state }: FlightOperation) => state === 'done';
  const done = [...byRank].filter(([, operation]) => ended(operation)).map(([rank]) => rank);
  const inside = dumps.map(({ rank }) => rank).filter((rank) => !done.includes(rank));
  const operation = [...byRank.values()][0];
  if (operation === undefined || done.length === 0 || inside.length === 0) return undefined;
  return { kind: 'unfinished', operation, done, inside };
}

/**
 * Of what ranks wait in, the one that was asked for first and not by all. Nobody waits for a rank that has joined, and a join waits for
 * whatever the others are at: it comes last.
 */
function firstMissing(dumps: readonly FlightDump[]): Divergence | undefined {
  const open = new Map<string, { operation: FlightOperation; waiting: number[] }>();
  for (const { rank, operations } of dumps) {
    for (const operation of operations.filter(isOpen)) {
      const entry = open.get(operation.name) ?? { operation, waiting: [] };
      if (operation.submittedUs < entry.operation.submittedUs) entry.operation = operation;
      entry.waiting.push(rank);
      open.set(operation.name, entry);
    }
  }
  const joined = dumps.filter(hasJoined).map(({ rank }) => rank);
  const incomplete = [...open.values()]
    .map(({ operation, waiting }) => {
      const there = isJoin(operation) ? waiting : [...waiting, ...joined];
      return { operation, waiting, missing: dumps.map(({ rank }) => rank).filter((rank) => !there.includes(rank)) };
    })
    .filter(({ missing }) => missing.length > 0);
  const place = (operation: FlightOperation) => (isJoin(operation) ? Infinity : operation.submittedUs);
  const [first] = incomplete.sort((a, b) => place(a.operation) - place(b.operation));
  return first && { kind: 'missing', ...first };
}

/** Whether this rank asks for nothing more until all have joined. */
export function hasJoined({ operations }: FlightDump): boolean {
  return operations.some((operation) => isOpen(operation) && isJoin(operation));
}

function isJoin({ kind }: FlightOperation): boolean {
  return kind === 'join';
}

/** Asked for by this rank, and not by all. */
export function isOpen({ agreed, state }: FlightOperation): boolean {
  return agreed === 0 && state !== 'done';
}
