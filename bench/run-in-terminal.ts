import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/**
 * Runs one of the package's commands in this terminal.
 *
 * @param command - its path from the compiled form of this file
 * @returns its exit code, or 128 + n after signal n as a shell does
 */
export async function runInTerminal(command: string, ...args: string[]): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(command, import.meta.url)), ...args], {
    stdio: 'inherit',
  });
  // Ctrl-C reaches the child by itself, and how it ends is to be told; other signals reach this process alone.
  const wait = () => undefined;
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGINT', wait).on('SIGTERM', pass).on('SIGHUP', pass);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
    });
  } finally {
    process.off('SIGINT', wait).off('SIGTERM', pass).off('SIGHUP', pass);
  }
}
