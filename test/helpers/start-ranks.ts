import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { StoreServer } from '../../lib/net/store-server.js';
import { resultIn } from './result-in.js';

const testFolder = fileURLToPath(new URL('..', import.meta.url));

export interface StartOptions {
  /** Size of the ring. */
  readonly np: number;
  /** Relative to `test/`. */
  readonly script: string;
  readonly args?: readonly string[];
  /** For a rank, on top of what tsrun would set. */
  readonly env?: (rank: number) => Readonly<Record<string, string>>;
  /** Ranks that are expected and never started. */
  readonly absent?: readonly number[];
  /** All must have ended by then, or they are killed and the promise rejects with their output. */
  readonly timeoutMs: number;
}

export interface RankEnd {
  readonly rank: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the last line of the form `@result <json>`; undefined if there was none. */
  readonly result: unknown;
}

/** Runs ranks without tsrun, which ends all as soon as one fails: for tests of what the others see. */
export async function startRanks(options: StartOptions): Promise<RankEnd[]> {
  const jobId = randomUUID();
  const secret = randomBytes(32);
  const store = await StoreServer.listen({ host: '127.0.0.1', jobId, secret, encrypt: false });
  const job = { TSRING_STORE: `127.0.0.1:${store.port}`, TSRING_JOB_ID: jobId, TSRING_SECRET: secret.toString('hex') };
  const late = AbortSignal.timeout(options.timeoutMs);
  const started = [...Array(options.np).keys()].filter((rank) => !options.absent?.includes(rank));
  const ends = await Promise.all(started.map((rank) => runRank(rank, options, job, late)));
  await store.close();
  if (!late.aborted) return ends;
  throw new Error(
    `no end after ${options.timeoutMs} ms\n${ends.map((end) => JSON.stringify(end, null, 1)).join('\n')}`,
  );
}

async function runRank(
  rank: number,
  options: StartOptions,
  job: Record<string, string>,
  late: AbortSignal,
): Promise<RankEnd> {
  const script = path.join(testFolder, options.script);
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...(options.args ?? [])], {
    env: { ...process.env, ...job, TSRING_RANK: String(rank), TSRING_SIZE: String(options.np), ...options.env?.(rank) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  late.addEventListener('abort', () => child.kill('SIGKILL'));
  return endOf(child, rank);
}

/** What has become of a rank whose output is piped, once it has ended. */
export async function endOf(child: ChildProcess, rank: number): Promise<RankEnd> {
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const [stdout, stderr, [code, signal]] = await Promise.all([text(child.stdout!), text(child.stderr!), exited]);
  return { rank, code, signal, stdout, stderr, result: resultIn(stdout.split('\n')) };
}
