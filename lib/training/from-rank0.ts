import * as tf from '@tensorflow/tfjs-core';
import { RingError } from '../errors.js';
import { invalid, show } from '../arguments.js';
import { sessionOf } from '../process-set.js';
import { broadcastBytes, broadcastJson } from './broadcast-bytes.js';
import type { WithProcessSet } from './within.js';

/**
 * For `tf.loadLayersModel`, `tf.loadGraphModel` and whatever else loads models: rank 0 reads the files, and all ranks get what it has
 * read. Files need be on rank 0's machine only, and are read once. Every rank makes the call.
 *
 * @param source - a URL that tfjs can load, or a handler; only rank 0's is used
 * @param options - `processSet`: the ranks that load the model; the first of them reads it
 * @throws {RingError} on loading, on every rank, `RING_INVALID_ARGUMENT` with rank 0's reason
 */
export function fromRank0(source: string | tf.io.IOHandler, options: WithProcessSet = {}): tf.io.IOHandler {
  return { load: () => loadAndSpread(source, options) };
}

interface Read {
  readonly artifacts: Omit<tf.io.ModelArtifacts, 'weightData'>;
  readonly weights: Uint8Array;
}

async function loadAndSpread(source: string | tf.io.IOHandler, options: WithProcessSet): Promise<tf.io.ModelArtifacts> {
  const session = sessionOf('fromRank0', options.processSet);
  const first = session.ranks[0]!;
  const name = session.nextName('fromRank0');
  const read = session.config.rank === 0 ? await reading(source) : undefined;
  const failed = read instanceof Error ? { failed: read.message } : undefined;
  const sent = failed ?? (read as Read | undefined)?.artifacts;
  const answer = (await broadcastJson(`${name}.model`, sent, first, options)) as Read['artifacts'] & {
    failed?: string;
  };
  if (answer.failed !== undefined) {
    const cause = read instanceof Error ? { cause: read } : undefined;
    throw new RingError(
      'RING_INVALID_ARGUMENT',
      `fromRank0: rank ${first} cannot load the model: ${answer.failed}`,
      cause,
    );
  }
  const weights = await broadcastBytes(name, (read as Read | undefined)?.weights, first, options);
  const weightData = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength) as ArrayBuffer;
  return { ...answer, weightData };
}

async function reading(source: string | tf.io.IOHandler): Promise<Read | Error> {
  try {
    const { weightData, ...artifacts } = await handlerOf(source).load!();
    const parts = weightData === undefined ? [] : Array.isArray(weightData) ? weightData : [weightData];
    return { artifacts, weights: Buffer.concat(parts.map((part) => new Uint8Array(part))) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function handlerOf(source: string | tf.io.IOHandler): tf.io.IOHandler {
  const handler = typeof source === 'string' ? tf.io.getLoadHandlers(source)[0] : source;
  if (typeof handler?.load === 'function') return handler;
  throw invalid('fromRank0', `nothing in this tfjs loads ${show(source)}`);
}
