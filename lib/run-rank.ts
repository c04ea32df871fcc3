import { deserialize, serialize } from 'node:v8';
import vm from 'node:vm';
import { encryptsBy } from './config.js';
import { StoreClient } from './net/store-client.js';
import { pieceBytes, runKeys } from './run-values.js';
import { readSecret } from './secret.js';
import { settings } from './settings.js';

/*
 * The script of the ranks that `run` starts: finds in the job's store what to do, does it, and leaves there what came of it. The store is the
 * one that started us, proven by the job's secret.
 */

interface Program {
  /** The address of a script. */
  readonly module?: string;
  /** Of a function, and the file that it stands for when it imports something. */
  readonly text?: string;
  readonly name?: string;
}

const { TSRING_RANK, TSRING_SIZE, TSRING_STORE, TSRING_JOB_ID: jobId = '' } = process.env;
const rank = Number(TSRING_RANK);
const at = settings.store.schema.parse(TSRING_STORE);
const secret = readSecret(undefined, process.env)!; // tsrun has set all of these
const timeoutMs = settings.startTimeoutMs.default;
const encrypt = encryptsBy(process.env);
const store = await StoreClient.connect({ ...at, jobId, secret, encrypt, rank, generation: 0, timeoutMs });
try {
  const program = JSON.parse((await store.get(runKeys.program)) ?? '{}') as Program;
  const args = deserialize(Buffer.from((await store.get(runKeys.args)) ?? '', 'base64')) as unknown[];
  const work = await load(program);
  await leave(typeof work === 'function' ? await (work as (...args: unknown[]) => unknown)(...args) : work);
} catch (error) {
  const told = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if ((await store.get(runKeys.failure)) === undefined) await store.set(runKeys.failure, told);
  throw error;
} finally {
  store.close();
}

async function load({ module, text = '', name = '' }: Program): Promise<unknown> {
  if (module !== undefined) {
    if (/\.[mc]?tsx?$/.test(module)) (await import('tsx/esm/api')).register();
    return ((await import(module)) as { default?: unknown }).default;
  }
  // Compilers on the caller's side may have wrapped inner functions in a helper of this name.
  const script = new vm.Script(`(() => { const __name = (named) => named; return (${text}); })()`, {
    filename: name,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return script.runInThisContext();
}

async function leave(result: unknown): Promise<void> {
  const bytes = serialize(result);
  const count = Math.ceil(bytes.length / pieceBytes);
  for (let index = 0; index < count; index++) {
    const piece = bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes);
    await store.set(runKeys.piece(rank, index), piece.toString('base64'));
  }
  await store.set(runKeys.pieces(rank), String(count));
  if (rank === 0) await store.set(runKeys.size, TSRING_SIZE ?? '');
}
