import { existsSync, readdirSync, readFileSync } from 'node:fs';

/*
 * Finding the processes of a job, all of them: ranks, what they have started, and what has left its parent, session and
 * process group since. Used by tsrun and by its guard, so only built-in modules may be imported here.
 */

export interface Job {
  /** In the environment of all its processes on this host, as TSRING_LAUNCH_ID. */
  readonly launchId: string;
  /** Its ranks, each the leader of a session and process group of its own, and what they left in it at their end. */
  readonly known: readonly KnownProcess[];
}

export interface KnownProcess {
  readonly pid: number;
  /** In the kernel's clock ticks; tells a process from a later one with its number. Undefined where there is no /proc. */
  readonly startTime: string | undefined;
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly startTime: string;
}

export function knownProcess(pid: number): KnownProcess {
  return { pid, startTime: readEntry(pid)?.startTime };
}

/** What is left of the session of a rank that has just ended. To be asked at once: later the number may be another's. */
export function leftInSession(leader: KnownProcess): KnownProcess[] {
  if (!hasProc()) return [];
  return readEntries().filter(({ session }) => session === leader.pid);
}

/** Sends `signal` (0: only looks) to every process of the job. Returns how many there are. */
export function signalJob(job: Job, signal: NodeJS.Signals | 0): number {
  return hasProc() ? signalEach(jobProcesses(job), signal) : signalGroups(job.known, signal);
}

/**
 * The living processes of the job, on Linux. A process belongs to it if its environment carries its launch id, if it is a
 * known process or in the session of one, or if its parent belongs to it. Never one that merely has a number we once knew.
 */
export function jobProcesses({ launchId, known }: Job): number[] {
  const entries = readEntries();
  const startTimes = new Map(entries.map(({ pid, startTime }) => [pid, startTime]));
  const alive = known.filter(({ pid, startTime }) => startTimes.has(pid) && startTimes.get(pid) === startTime);
  const found = new Set(alive.map(({ pid }) => pid));
  const sessions = new Set(found);
  const assignment = `TSRING_LAUNCH_ID=${launchId}`;
  for (const { pid, session } of entries) {
    if (sessions.has(session) || readFile(pid, 'environ').split('\0').includes(assignment)) found.add(pid);
  }
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of entries) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function hasProc(): boolean {
  return existsSync('/proc/self/stat');
}

function signalEach(pids: readonly number[], signal: NodeJS.Signals | 0): number {
  return pids.filter((pid) => trySignal(pid, signal)).length;
}

/** Without /proc a job is its ranks' process groups; what leaves its group is not found. */
function signalGroups(known: readonly KnownProcess[], signal: NodeJS.Signals | 0): number {
  return known.filter(({ pid }) => trySignal(-pid, signal)).length;
}

function trySignal(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false; // gone meanwhile, or no longer ours to signal
  }
}

function readEntries(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readEntry(Number(name)))
    .filter((entry) => entry !== undefined);
}

/** From /proc/PID/stat: `pid (any name) state parent group session ...`. Undefined for the dead and their zombies. */
function readEntry(pid: number): ProcessEntry | undefined {
  const stat = readFile(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, , session] = fields;
  const startTime = fields[19];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, parent: Number(parent), session: Number(session), startTime };
}

function readFile(pid: number, file: 'stat' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // gone, or another user's
  }
}
