import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { knownProcess } from '../../lib/launcher/processes.js';
import { stopJob } from '../../lib/launcher/stop.js';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to this process's own. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Outcome {
  /** What all processes wrote to their standard outputs, line by line. */
  readonly output: string;
  /** Why the run cannot be counted on, in one line; absent if all processes ended with 0 in time. */
  readonly failure?: string;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly isComplete?: (output: string) => boolean;
  /** From completeness to the end. */
  readonly leaveMs?: number;
}

/**
 * Starts all commands together and waits until all have ended. At the first that fails, after `timeoutMs`, or when `signal`
 * aborts, the others are ended, with whatever they have started. So are all once `isComplete(output)`, half a minute later: some
 * systems now and then hang when they are to leave.
 */
export async function runProcesses(
  commands: readonly Command[],
  { timeoutMs, signal, isComplete = () => false, leaveMs = 30_000 }: RunOptions,
): Promise<Outcome> {
  const launchId = randomUUID(); // in their environments, by which stopJob finds what lost its parent
  const timeout = AbortSignal.timeout(timeoutMs);
  const failed = new AbortController();
  const overdue = new AbortController();
  let leaving: NodeJS.Timeout | undefined;
  let output = '';
  let errors = '';
  let failure: string | undefined;
  const children = commands.map(({ program, args, env }) =>
    spawn(program, args, {
      env: { ...process.env, ...env, TSRING_LAUNCH_ID: launchId },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C is this process's to handle
    }),
  );
  const ended = children.map(
    (child) =>
      new Promise<void>((resolve) => {
        let begun = ''; // of a line, which another's must not be put into
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          const lines = (begun + text).split('\n');
          begun = lines.pop()!;
          output += lines.map((line) => `${line}\n`).join('');
          if (isComplete(output)) leaving ??= setTimeout(() => overdue.abort(), leaveMs).unref();
        });
        child.stdout.on('end', () => (output += begun));
        child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
        const fail = (reason: string) => {
          failure ??= reason;
          failed.abort();
        };
        child.on('error', (error) => {
          fail(error.message);
          resolve();
        });
        child.on('close', (code, by) => {
          if (code !== 0) fail(`ended with ${by ?? `exit code ${code}`}`);
          resolve();
        });
      }),
  );
  const all = Promise.all(ended);
  const known = children.flatMap(({ pid }) => (pid === undefined ? [] : [knownProcess(pid)]));
  await Promise.race([all, aborted(AbortSignal.any([timeout, signal, failed.signal, overdue.signal]))]);
  clearTimeout(leaving);
  if (signal.aborted) failure = 'interrupted';
  else if (overdue.signal.aborted) failure = 'measured everything, but did not end';
  else if (timeout.aborted) failure = `not done after ${timeoutMs / 1000} s`;
  await stopJob(
    { launchId, known },
    { signal: 'SIGTERM', graceMs: 3_000, hurry: new AbortController().signal, ranksGone: all },
  );
  await all;
  if (failure === undefined) return { output };
  const said = errors.trim().split('\n').at(-1);
  return { output, failure: said ? `${failure}: ${said}` : failure };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
