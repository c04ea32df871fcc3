import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { EmulatedHosts } from './emulated-hosts.js';

export interface HostProgram {
  readonly host: number;
  readonly command: readonly [string, ...string[]];
  /** Added to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts programs on their hosts together and waits for all to end.
 *
 * @returns what each wrote to its standard output
 * @throws when one fails, which ends the others, or after `timeoutMs`; the message ends with what was said on standard error
 */
export async function runOnHosts(
  network: EmulatedHosts,
  programs: readonly HostProgram[],
  timeoutMs: number,
): Promise<string[]> {
  const over = new AbortController();
  const late = setTimeout(() => over.abort(`no end after ${timeoutMs} ms`), timeoutMs);
  const ends = programs.map(async ({ host, command, env }) => {
    const child = network.spawn(host, command, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    over.signal.addEventListener('abort', () => child.kill('SIGKILL'));
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const [output, errors, [code, signal]] = await Promise.all([text(child.stdout!), text(child.stderr!), exited]);
    if (code !== 0)
      over.abort(`${command[0]} on host ${host} ended with ${signal ?? code}: ${errors.trim().slice(-500)}`);
    return output;
  });
  const outputs = await Promise.all(ends).finally(() => clearTimeout(late));
  if (over.signal.aborted) throw new Error(String(over.signal.reason)); // the first reason, which is the cause
  return outputs;
}
