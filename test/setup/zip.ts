import { crc32 } from 'node:zlib';

/** A zip file of small files, stored as they are. */
export function zipOf(files: Record<string, string>): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [nameBytes, content] = [Buffer.from(name), Buffer.from(text)];
    const common = fields([20, 2], [0, 2], [0, 2], [0, 4], [crc32(content), 4], [content.length, 4], [content.length, 4], [nameBytes.length, 2], [0, 2]); // prettier-ignore
    const local = Buffer.concat([fields([0x04034b50, 4]), common, nameBytes, content]);
    const rest = fields([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]);
    centrals.push(Buffer.concat([fields([0x02014b50, 4], [20, 2]), common, rest, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const count = centrals.length;
  const end = fields([0x06054b50, 4], [0, 4], [count, 2], [count, 2], [directory.length, 4], [offset, 4], [0, 2]);
  return Buffer.concat([...locals, directory, end]);
}

/** Little-endian numbers, each with its width in bytes. */
function fields(...values: [value: number, bytes: number][]): Buffer {
  return Buffer.concat(
    values.map(([value, bytes]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}
