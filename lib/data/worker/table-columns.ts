import { brokenData } from '../broken-data.js';
import type { Column, Columns, TablePart, TablePlan } from '../tasks.js';
import { fillBatch } from './fill-batch.js';

/** Rows, from 0, as the package that reads them gives them. */
export interface Rows {
  readonly cell: Cell;
  /** What names a row in errors. */
  readonly where: (row: number) => string;
  /** @throws {RingError} `RING_DATA`: a row is not as wide as it should be */
  readonly check?: (row: number) => void;
}

type Cell = (column: string, row: number) => unknown;

/** The rows of a part as columns of float32: [rows, numbers of all its cells together]. */
export function tableColumns({ rows }: TablePart, plan: TablePlan, skip: boolean, source: Rows): Columns {
  const { cell, where, check } = source;
  const columns = Object.entries(plan.columns).map(([name, sources]) => {
    const widths = sources.map((source) => widthOf(source, rows, cell));
    const size = widths.reduce((sum, width) => sum + width, 0);
    return { name, sources, widths, size, values: new Float32Array(rows * size) };
  });
  const skipped = fillBatch(
    rows,
    skip,
    (row) => {
      check?.(row);
      for (const { sources, widths, size, values } of columns) {
        let place = row * size;
        for (const [i, source] of sources.entries()) {
          const width = widths[i]!;
          const at = () => `${where(row)}, column ${JSON.stringify(source)}`;
          numbersOf(cell(source, row), source, width, plan, at).forEach((number, k) => (values[place + k] = number));
          place += width;
        }
      }
    },
    (from, to) => {
      for (const { values, size } of columns) values.copyWithin(to * size, from * size, (from + 1) * size);
    },
  );
  const entries = columns.map(({ name, values, size }): [string, Column] => [name, { values, shape: [rows, size] }]);
  return { columns: Object.fromEntries(entries), skipped };
}

/** How many numbers a cell has: that of the first that holds any. */
function widthOf(source: string, rows: number, cell: Cell): number {
  for (let row = 0; row < rows; row++) {
    const value = cell(source, row);
    if (isList(value)) return value.length;
    if (!isEmpty(value)) return 1;
  }
  return 1;
}

function numbersOf(value: unknown, source: string, width: number, plan: TablePlan, where: () => string): number[] {
  if (isEmpty(value)) {
    if (plan.missing === undefined) throw brokenData(where(), 'it is empty, and no `missing` says what to put there');
    return Array<number>(width).fill(plan.missing);
  }
  const list = isList(value) ? [...value] : [value];
  if (list.length !== width) throw brokenData(where(), `it has ${list.length} numbers, and the first row has ${width}`);
  return list.map((each) => numberOf(each, plan.categories[source], where));
}

function numberOf(value: unknown, categories: readonly string[] | undefined, where: () => string): number {
  if (categories !== undefined) {
    const index = categories.indexOf(String(value));
    if (index >= 0) return index;
    throw brokenData(where(), `${show(value)} is none of its categories ${categories.join(', ')}`);
  }
  const number = typeof value === 'string' ? Number(value) : toNumber(value);
  if (number !== undefined && !Number.isNaN(number)) return number;
  if (typeof value === 'number' || value === 'NaN') return NaN;
  throw brokenData(where(), `${show(value)} is no number; \`categories\` makes numbers of texts`);
}

function toNumber(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? Number(value)
    : undefined;
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'string' && value.trim() === '');
}

function isList(value: unknown): value is ArrayLike<unknown> & Iterable<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function show(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? typeof value : text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
