export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Characters to reserve: rows are printed as they come, before later ones are known. */
  readonly width: number;
  readonly align?: 'left' | 'right';
}

/** Lines of a table in plain text, one at a time; cells are right-aligned unless said otherwise, and never cut. */
export function textTable<Row>(columns: readonly Column<Row>[]): { header: string; row: (row: Row) => string } {
  const line = (cell: (column: Column<Row>) => string) =>
    columns
      .map((column) =>
        column.align === 'left' ? cell(column).padEnd(column.width) : cell(column).padStart(column.width),
      )
      .join('  ')
      .trimEnd();
  return { header: line((column) => column.title), row: (row) => line((column) => column.value(row)) };
}
