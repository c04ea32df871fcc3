import { broadcast } from '../collectives.js';
import { sessionOf } from '../process-set.js';
import type { WithProcessSet } from './within.js';

/** Gives every rank the bytes of `rootRank`; what the others give is not looked at. */
export async function broadcastBytes(
  name: string,
  bytes: Uint8Array | undefined,
  rootRank: number,
  options: WithProcessSet = {},
): Promise<Uint8Array> {
  const { ranks, config } = sessionOf(name, options.processSet);
  const isRoot = ranks[config.rank] === rootRank;
  const own = isRoot && bytes !== undefined ? bytes : new Uint8Array();
  const [length = 0] = await broadcast(Float64Array.of(own.length), rootRank, {
    ...options,
    name: `${name}.length`,
  });
  if (length === 0) return new Uint8Array();
  return broadcast(isRoot ? own : new Uint8Array(length), rootRank, { ...options, name });
}

/** As `broadcastBytes`, of anything that JSON can say. */
export async function broadcastJson(
  name: string,
  value: unknown,
  rootRank: number,
  options: WithProcessSet = {},
): Promise<unknown> {
  const text = new TextEncoder().encode(JSON.stringify(value ?? null));
  return JSON.parse(new TextDecoder().decode(await broadcastBytes(name, text, rootRank, options)));
}
