import { epochOrder, epochSeed, shuffled } from '../training/shuffle.js';
import { batchCount, type EpochPlan, shareLength, shareRange, type Source } from './source.js';
import type { Column, Columns, TablePart } from './tasks.js';

/** So many parts of a table are in memory together, and shuffled together. */
const partsTogether = 4;

/**
 * Rows of tables, which are read a part at a time: the parts' order is shuffled, and then all rows of four parts together. A rank takes a run of
 * that order, so that it reads about its share of the parts and not all of them.
 */
export function tableSource(
  parts: readonly TablePart[],
  read: (part: TablePart, skip: boolean) => Promise<Columns>,
): Source {
  const records = parts.reduce((sum, { rows }) => sum + rows, 0);
  return {
    records,
    *batches(plan: EpochPlan) {
      const { begin } = shareRange(records, plan.share);
      const length = shareLength(records, plan.share);
      const rows = rowsFrom(parts, plan, begin);
      const loaded = new PartsAtHand((part) => read(parts[part]!, plan.skip));
      for (let batch = 0; batch < batchCount(length, plan); batch++) {
        const size = Math.min(plan.batchSize, length - batch * plan.batchSize);
        const own = Array.from({ length: size }, () => rows.next().value as Row);
        yield gather(own, loaded.of(own));
      }
    },
  };
}

interface Row {
  readonly part: number;
  readonly row: number;
  /** Which of the groups of parts that are shuffled together. */
  readonly group: number;
}

/** The epoch's order from its `begin`-th row on. Groups of parts before that are passed over as a whole. */
function* rowsFrom(parts: readonly TablePart[], plan: EpochPlan, begin: number): Generator<Row, undefined> {
  const order = epochOrder(parts.length, plan);
  let before = 0;
  for (let group = 0; group * partsTogether < order.length; group++) {
    const together = order.slice(group * partsTogether, (group + 1) * partsTogether);
    const count = together.reduce((sum, part) => sum + parts[part]!.rows, 0);
    if (before + count > begin) {
      const rows = together.flatMap((part) =>
        Array.from({ length: parts[part]!.rows }, (_, row) => ({ part, row, group })),
      );
      const inOrder = plan.shuffle ? shuffled(count, epochSeed(plan) + 7919 * (group + 1)).map((i) => rows[i]!) : rows;
      yield* inOrder.slice(Math.max(0, begin - before));
    }
    before += count;
  }
}

/** Parts that have been read, or are being read, until rows come from later groups. */
class PartsAtHand {
  private readonly parts = new Map<number, { group: number; columns: Promise<Columns>; told: boolean }>();

  constructor(private readonly read: (part: number) => Promise<Columns>) {}

  /** What the rows' parts hold, and of those that are new what is wrong with them. */
  of(rows: readonly Row[]): Map<number, { columns: Promise<Columns>; isNew: boolean }> {
    const last = rows.at(-1)!.group;
    const first = rows[0]!.group;
    for (const [part, { group }] of this.parts) if (group < first) this.parts.delete(part);
    const wanted = new Map<number, { columns: Promise<Columns>; isNew: boolean }>();
    for (const { part, group } of rows) {
      if (wanted.has(part)) continue;
      const known = this.parts.get(part);
      if (known === undefined)
        this.parts.set(part, { group: Math.min(group, last), columns: this.read(part), told: false });
      wanted.set(part, { columns: this.parts.get(part)!.columns, isNew: known === undefined });
    }
    return wanted;
  }
}

async function gather(
  rows: readonly Row[],
  parts: ReadonlyMap<number, { columns: Promise<Columns>; isNew: boolean }>,
): Promise<Columns> {
  const read = new Map<number, Columns>();
  const skipped: string[] = [];
  for (const [part, { columns, isNew }] of parts) {
    const content = await columns;
    read.set(part, content);
    if (isNew) skipped.push(...content.skipped);
  }
  const names = Object.keys(read.get(rows[0]!.part)!.columns);
  const columns = names.map((name): [string, Column] => [name, gatherColumn(rows, (part) => read.get(part)!.columns[name]!)]); // prettier-ignore
  return { columns: Object.fromEntries(columns), skipped };
}

function gatherColumn(rows: readonly Row[], columnOf: (part: number) => Column): Column {
  const width = columnOf(rows[0]!.part).shape[1]!;
  const values = new Float32Array(rows.length * width);
  for (const [place, { part, row }] of rows.entries()) {
    const { values: from, shape } = columnOf(part);
    if (shape[1] !== width) throw new RangeError(`rows of ${shape[1]} and of ${width} numbers in one column`);
    values.set(from.subarray(row * width, (row + 1) * width), place * width);
  }
  return { values, shape: [rows.length, width] };
}
