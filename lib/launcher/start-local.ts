import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { RingError } from '../errors.js';
import { formatCpuList } from '../processors.js';
import { nameOf } from './process-names.js';
import type { RankExit, RankProcess, RankStart } from './job-host.js';

/** What a host has for all of its ranks. */
export interface LocalStart {
  /** Inherited as descriptor {@link secretFdInRank}. */
  readonly secretFd: number;
  /** Rank 0 shares our standard input; the other ranks have none. */
  readonly sharesInput: boolean;
}

export const secretFdInRank = 3;

/**
 * Starts one rank on this host, as the leader of its own session: signals then reach all that it starts, and a Ctrl-C
 * reaches it through tsrun alone.
 *
 * @throws RING_LAUNCH if the system cannot start it
 */
export async function startLocal(start: RankStart, { secretFd, sharesInput }: LocalStart): Promise<RankProcess> {
  const { placement, cpus } = start;
  const { rank, server, host } = placement;
  const number = { rank, ...(server === undefined ? {} : { server }) };
  const node = [process.execPath, ...start.nodeArguments];
  // taskset becomes node: the process is the same, and all of node's threads begin where they may run.
  const [program = '', ...args] = cpus === undefined ? node : ['taskset', '-c', formatCpuList(cpus), ...node];
  try {
    const child = spawn(program, args, {
      cwd: start.cwd,
      detached: true,
      env: start.environment,
      stdio: [rank === 0 && sharesInput ? 'inherit' : 'ignore', 'pipe', 'pipe', secretFd],
    });
    const { pid, stdout, stderr } = child;
    if (pid === undefined || !stdout || !stderr) return await rejectWithReason(child);
    child.on('error', () => undefined); // a signal that cannot be sent; stop.ts looks at what is left
    const exited = new Promise<RankExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ ...number, pid, host, code, signal, atMs: performance.now() }));
    });
    const hasExited = () => child.exitCode !== null || child.signalCode !== null;
    return { placement, pid, stdout, stderr, exited, hasExited };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = program === 'taskset' ? ' (--bind-to needs taskset, of util-linux)' : '';
    throw new RingError('RING_LAUNCH', `${nameOf(placement)} cannot be started on ${host}: ${why}${hint}`, { cause });
  }
}

/** Node tells why there is no process in an event. */
async function rejectWithReason(child: ChildProcess): Promise<never> {
  const [reason] = (await once(child, 'error')) as [Error];
  throw reason;
}
