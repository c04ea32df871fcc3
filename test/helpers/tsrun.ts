import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processesWith } from './processes.js';
import { resultIn } from './result-in.js';

const testFolder = fileURLToPath(new URL('..', import.meta.url));
export const tsrunPath = path.join(testFolder, '..', 'bin', 'tsrun');

export interface TsrunOptions {
  readonly np: number;
  /** Absolute, or relative to `test/`; by convention a small program in `test/scripts/`. Undefined: flags say what to do. */
  readonly script: string | undefined;
  readonly args?: readonly string[];
  /** Set on top of this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** More options of tsrun, before the script. */
  readonly flags?: readonly string[];
  readonly cwd?: string;
  /** The run must have ended by then, or it is stopped and the promise rejects with all output. */
  readonly timeoutMs: number;
  /** Resolve on a non-zero exit code as well. */
  readonly expectFailure?: boolean;
  /** How long processes that tsrun has others start, such as executors, may take to go after its end; default 10000. */
  readonly lingerMs?: number;
  /** Called with each chunk of output as it arrives, and tsrun's process id; for tests that act when a rank has said something. */
  readonly onOutput?: (text: string, tsrunPid: number) => void;
}

export interface RankOutput {
  readonly rank: number;
  /** Lines without their `[rank]<stream>:` tag, `@result` lines included. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Parsed from the rank's last line of the form `@result <json>`; undefined if it printed none. */
  readonly result: unknown;
}

export interface TsrunResult {
  /** Undefined if tsrun itself was killed by a signal. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ranks: readonly RankOutput[];
  readonly elapsedMs: number;
}

/**
 * Runs a script on several ranks with the real `bin/tsrun` (compiled: `npm run build:ts`) and waits for its end.
 *
 * A script hands a value to the test by printing one line: `console.log('@result ' + JSON.stringify(value))`; the test
 * finds it in `ranks[i].result`. Rejects, with all output in the message, on a non-zero exit (unless `expectFailure`),
 * on the timeout, and if any process of the run is still there a moment after tsrun has ended.
 */
export async function tsrun(options: TsrunOptions): Promise<TsrunResult> {
  const mark = `TSRING_TEST_RUN=${randomUUID()}`;
  const script = options.script === undefined ? [] : [path.resolve(testFolder, options.script)];
  // Where there is one GPU, ranks share it.
  const place = ['-np', String(options.np), '--oversubscribe'];
  const argv = [tsrunPath, ...place, ...(options.flags ?? []), ...script, ...(options.args ?? [])];
  const result = await collect(argv, mark, options);
  const left = await processesLeft(mark, options.lingerMs ?? 10_000);
  if (left.length > 0) {
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    const list = left.map(({ pid, command }) => `${pid} ${command}`).join('\n');
    throw new Error(`${describe(argv, result)}\n--- still running after tsrun ended:\n${list}`);
  }
  if (result.code !== 0 && !options.expectFailure) throw new Error(describe(argv, result));
  return result;
}

async function collect(argv: readonly string[], mark: string, options: TsrunOptions): Promise<TsrunResult> {
  const [markName = '', markValue] = mark.split('=');
  const started = performance.now();
  const child = spawn(process.execPath, argv, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, [markName]: markValue },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      output[stream].push(chunk);
      if (child.pid !== undefined) options.onOutput?.(chunk.toString(), child.pid);
    });
  }
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });

  const timeout = AbortSignal.timeout(options.timeoutMs);
  const kill = () => child.kill('SIGKILL'); // its guard ends the ranks
  timeout.addEventListener('abort', kill);
  const { code, signal } = await ended.finally(() => timeout.removeEventListener('abort', kill));
  const timedOut = timeout.aborted;

  const stdout = Buffer.concat(output.stdout).toString();
  const stderr = Buffer.concat(output.stderr).toString();
  const elapsedMs = performance.now() - started;
  const ranks = Array.from({ length: options.np }, (_, rank) => rankOutput(rank, stdout, stderr));
  const result = { code: code ?? undefined, signal: signal ?? undefined, stdout, stderr, ranks, elapsedMs };
  if (timedOut) throw new Error(`no end after ${options.timeoutMs} ms\n${describe(argv, result)}`);
  return result;
}

function rankOutput(rank: number, stdout: string, stderr: string): RankOutput {
  const own = (text: string, stream: string) => {
    const tag = `[${rank}]<${stream}>:`;
    return text
      .split('\n')
      .filter((line) => line.startsWith(tag))
      .map((line) => line.slice(tag.length));
  };
  const lines = own(stdout, 'stdout');
  return { rank, stdout: lines, stderr: own(stderr, 'stderr'), result: resultIn(lines) };
}

/** Empty if every process of the run is gone, or goes within the time its guard may need. */
async function processesLeft(mark: string, lingerMs: number) {
  const deadline = performance.now() + lingerMs;
  for (;;) {
    const left = processesWith(mark);
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(20);
  }
}

function describe(argv: readonly string[], { code, signal, stdout, stderr }: TsrunResult): string {
  const end = signal === undefined ? `code ${code}` : signal;
  return `${argv.join(' ')}\n--- ended with ${end}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
}
