import { findDivergence, hasJoined, isOpen, type Divergence } from './divergence.js';
import type { FlightDump, FlightOperation } from './dump-file.js';

/** What `tsrun analyze` prints: the first operation on which ranks diverge, in plain words. */
export function explain(dumps: readonly FlightDump[]): string {
  const { ranks, jobId, generation, reason } = dumps[0]!;
  const { lastCommon, first } = findDivergence(dumps);
  const joined = dumps.filter(hasJoined).map(({ rank }) => rank);
  const absent = ranks.filter((rank) => !dumps.some((dump) => dump.rank === rank));
  return [
    `dumps of ${dumps.length} of the ranks ${ranks.join(', ')} (job ${jobId}, ring ${generation}); written because: ${reason}`,
    ...(absent.length > 0 ? [`no dump of ${names(absent)}: killed, or on a host whose folder was not given`] : []),
    ...(joined.length > 0
      ? [
          `${names(joined)} ${joined.length === 1 ? 'has' : 'have'} joined: done, and standing in for what the others do`,
        ]
      : []),
    lastCommon === undefined ? 'no operation is common to all' : `all did the same up to ${numbered(lastCommon)}`,
    ...(first === undefined ? ['no divergence is found'] : ['', ...tell(first, dumps)]),
    '',
  ].join('\n');
}

function tell(first: Divergence, dumps: readonly FlightDump[]): string[] {
  if (first.kind === 'different') return tellDifferent(first.what, [...first.byRank]);
  if (first.kind === 'unfinished') {
    const { operation, done, inside } = first;
    const head = `first divergence: ${numbered(operation)} is done on ${names(done)} and not on ${names(inside)}`;
    return [head, ...whereabouts(dumps, inside, operation)];
  }
  const { operation, waiting, missing } = first;
  return [
    `first divergence: ${describe(operation)} was asked for by ${names(waiting)}, and never by ${names(missing)}`,
    ...whereabouts(dumps, missing, operation),
  ];
}

function tellDifferent(what: string, byRank: readonly [number, FlightOperation][]): string[] {
  const groups = new Map<string, number[]>();
  for (const [rank, operation] of byRank) {
    const text = describe(operation);
    groups.set(text, [...(groups.get(text) ?? []), rank]);
  }
  const head = `first divergence, in ${what}: operation ${byRank[0]![1].agreed} of all ranks`;
  if (groups.size > 1) return [head, ...[...groups].map(([text, ranks]) => `  ${names(ranks)}: ${text}`)];
  const byHash = byRank.map(
    ([rank, { shapesHash }]) => `  rank ${rank}: ${[...groups.keys()][0]}, shapes ${shapesHash}`,
  );
  return [head, ...byHash];
}

/** Where the ranks are that others wait for. */
function whereabouts(dumps: readonly FlightDump[], ranks: readonly number[], late: FlightOperation): string[] {
  return dumps
    .filter(({ rank }) => ranks.includes(rank))
    .map(({ rank, operations, writtenUs }) => {
      const others = operations.filter((operation) => isOpen(operation) && operation.name !== late.name);
      if (others.length > 0) return `  rank ${rank} waits for ${others.slice(0, 3).map(describe).join('; ')}`;
      const last = operations.at(-1);
      if (last === undefined) return `  rank ${rank} has asked for nothing`;
      const ago = ((writtenUs - (last.endedUs ?? last.submittedUs)) / 1e6).toFixed(1);
      return `  rank ${rank} waits for nothing; its last was ${describe(last)}, ${last.state} ${ago} s before the dump`;
    });
}

function numbered(operation: FlightOperation): string {
  return `operation ${operation.agreed}, ${describe(operation)}`;
}

/** `allreduce "x" of float32 [3,4], sum`. */
function describe({ kind, name, dtype, op, rootRank, tensors, shape }: FlightOperation): string {
  const given = tensors === 0 ? '' : ` of ${dtype} [${shape.join()}]${tensors > 1 ? ` and ${tensors - 1} more` : ''}`;
  const how = op ?? (rootRank === undefined ? '' : `from rank ${rootRank}`);
  return `${kind} "${name}"${given}${how === '' ? '' : `, ${how}`}`;
}

function names(ranks: readonly number[]): string {
  return ranks.length === 1 ? `rank ${ranks[0]}` : `ranks ${ranks.join(', ')}`;
}
