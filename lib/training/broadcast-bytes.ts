import { broadcast } from '../collectives.js';
import { rank } from '../session.js';

/** Gives every rank the bytes of `rootRank`; what the others give is not looked at. */
export async function broadcastBytes(
  name: string,
  bytes: Uint8Array | undefined,
  rootRank: number,
): Promise<Uint8Array> {
  const own = rank() === rootRank && bytes !== undefined ? bytes : new Uint8Array();
  const [length = 0] = await broadcast(Float64Array.of(own.length), rootRank, { name: `${name}.length` });
  if (length === 0) return new Uint8Array();
  return broadcast(rank() === rootRank ? own : new Uint8Array(length), rootRank, { name });
}

/** As `broadcastBytes`, of anything that JSON can say. */
export async function broadcastJson(name: string, value: unknown, rootRank: number): Promise<unknown> {
  const text = new TextEncoder().encode(JSON.stringify(value ?? null));
  return JSON.parse(new TextDecoder().decode(await broadcastBytes(name, text, rootRank)));
}
