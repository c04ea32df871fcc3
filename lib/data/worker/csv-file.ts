import { readFileSync } from 'node:fs';
import { brokenData, reasonOf } from '../broken-data.js';
import { optionalPackage } from '../optional-package.js';
import type { Answer, Ask, Columns } from '../tasks.js';
import { tableColumns } from './table-columns.js';

/** A file is one part: where its rows begin is only known to who has read it. */
export async function indexCsv({ file, delimiter }: Ask<'indexTable'>): Promise<Answer<'indexTable'>> {
  const [names, ...rows] = await parseFile(file, delimiter);
  if (names === undefined) throw brokenData(file, 'it is empty; its first line must name the columns');
  return { parts: [{ file, format: 'csv', firstRow: 0, rows: rows.length }], columns: names.cells };
}

export async function readCsv({ part, plan, skip }: Ask<'readTable'>): Promise<Columns> {
  const { file } = part;
  const [names, ...rows] = await parseFile(file, plan.delimiter);
  if (rows.length !== part.rows) throw brokenData(file, `it has ${rows.length} rows now, and had ${part.rows}`);
  const places = new Map(names!.cells.map((name, place) => [name, place]));
  const where = (row: number) => `${file}: line ${rows[row]!.line}`;
  const check = (row: number) => {
    const { length } = rows[row]!.cells;
    if (length !== names!.cells.length)
      throw brokenData(where(row), `it has ${length} cells, and the first line names ${names!.cells.length} columns`);
  };
  return tableColumns(part, plan, skip, {
    cell: (column, row) => rows[row]!.cells[places.get(column)!],
    where,
    check,
  });
}

interface Row {
  readonly cells: string[];
  /** Where it ends, from 1. */
  readonly line: number;
}

async function parseFile(file: string, delimiter: string): Promise<Row[]> {
  const { parse } = await optionalPackage('csv-parse', 'CSV files', () => import('csv-parse/sync'));
  try {
    const options = { bom: true, delimiter, info: true, relax_column_count: true, skip_empty_lines: true };
    const rows = parse(readFileSync(file), options) as unknown as { record: string[]; info: { lines: number } }[];
    return rows.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    throw brokenData(file, reasonOf(error), error);
  }
}
