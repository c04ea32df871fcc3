import { brokenData, isBrokenData, reasonOf } from '../broken-data.js';
import { optionalPackage } from '../optional-package.js';
import type { Answer, Ask, Columns, TablePart } from '../tasks.js';
import { tableColumns } from './table-columns.js';

const hyparquet = () => optionalPackage('hyparquet', 'Parquet files', () => import('hyparquet'));

/** Parts are the file's row groups. */
export async function indexParquet({ file }: Ask<'indexTable'>): Promise<Answer<'indexTable'>> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } = await hyparquet();
  return broken(file, async () => {
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(file));
    let firstRow = 0;
    const parts = metadata.row_groups.map(({ num_rows }): TablePart => {
      const part = { file, format: 'parquet' as const, firstRow, rows: Number(num_rows) };
      firstRow += part.rows;
      return part;
    });
    return { parts, columns: parquetSchema(metadata).children.map(({ element }) => element.name) };
  });
}

export async function readParquet({ part, plan, skip }: Ask<'readTable'>): Promise<Columns> {
  const { file, firstRow, rows } = part;
  const { asyncBufferFromFile, parquetReadObjects } = await hyparquet();
  const objects = await broken(file, async () =>
    parquetReadObjects({
      file: await asyncBufferFromFile(file),
      columns: [...new Set(Object.values(plan.columns).flat())],
      rowStart: firstRow,
      rowEnd: firstRow + rows,
      compressors: await compressors(),
    }),
  );
  return tableColumns(part, plan, skip, {
    cell: (column, row): unknown => objects[row]![column],
    where: (row) => `${file}: row ${firstRow + row}`,
  });
}

/** Snappy and no compression need nothing; for what else there is (gzip, zstd, brotli, lz4) this package, where it is installed. */
async function compressors() {
  try {
    return (await import('hyparquet-compressors')).compressors;
  } catch {
    return {};
  }
}

async function broken<T>(file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (isBrokenData(error)) throw error;
    const reason = reasonOf(error);
    const hint = /unsupported compression/.test(reason) ? '; npm install hyparquet-compressors' : '';
    throw brokenData(file, `${reason}${hint}`, error);
  }
}
