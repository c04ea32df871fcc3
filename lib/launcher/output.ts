import type { Readable } from 'node:stream';

/** A line that grows beyond this is cut there, so that a rank which never ends its line cannot fill our memory. */
const maxLineBytes = 64 << 20;
const newline = Buffer.from('\n');

/** Where lines go, and what is put before each of them. */
export interface Outlet {
  readonly tag: () => string;
  readonly write: (lines: Buffer) => Promise<void>;
}

/**
 * Copies `source` to each outlet line by line, each whole and with the outlet's tag before it, until `source` ends. Bytes are not
 * decoded, so any encoding passes. Waits while an outlet is full: then the rank's own writes wait, and nothing is lost or piled up.
 *
 * @param onLines - sees every run of whole lines before it is written
 */
export async function forwardLines(
  source: Readable,
  outlets: readonly Outlet[],
  onLines: (lines: Buffer) => void = () => undefined,
): Promise<void> {
  let partial: Buffer[] = [];
  let partialBytes = 0;
  const write = async (lines: Buffer) => {
    onLines(lines);
    await Promise.all(outlets.map((outlet) => outlet.write(tagLines(Buffer.from(outlet.tag()), lines))));
  };
  const endLine = async () => {
    if (partialBytes > 0) await write(Buffer.concat([...partial, newline]));
    partial = [];
    partialBytes = 0;
  };
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const end = chunk.lastIndexOf(newline) + 1;
      const rest = chunk.subarray(end);
      if (end > 0) {
        const lines = Buffer.concat([...partial, chunk.subarray(0, end)]);
        partial = [];
        partialBytes = 0;
        await write(lines);
      }
      partial.push(rest);
      partialBytes += rest.length;
      if (partialBytes > maxLineBytes) await endLine();
    }
  } catch {
    // The pipe broke or was closed under us; what came before counts.
  }
  await endLine();
}

/** @param lines - whole lines, the last newline included */
export function tagLines(tag: Buffer, lines: Buffer): Buffer {
  if (tag.length === 0) return lines;
  const parts: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(newline, start) + 1;
    parts.push(tag, lines.subarray(start, end));
    start = end;
  }
  return Buffer.concat(parts);
}
