import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit status; `null` where the program could not be started or was stopped. */
  readonly status: number | null;
  readonly stdout: string;
  /** With the reason in it where the program could not be started or ran out of time. */
  readonly stderr: string;
}

/** Runs a program to its end, without a shell, or stops it after `timeoutMs`. Never rejects. */
export function runCommand(
  program: string,
  args: readonly string[],
  { timeoutMs, env = process.env, cwd }: { timeoutMs: number; env?: NodeJS.ProcessEnv; cwd?: string },
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    // Not by spawn's own option, whose timer stays where the program cannot be started.
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const settle = (status: number | null, reason: string) => {
      clearTimeout(timer);
      resolve({ status, stdout, stderr: stderr + reason });
    };
    child.on('error', (error) => settle(null, error.message));
    child.on('close', (status, signal) => {
      settle(status, signal ? `\nerror: ${program} was ended by ${signal} (its limit is ${timeoutMs / 1000} s)` : '');
    });
  });
}
