import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sourceFolder } from './source-folder.js';

let networks = 0;

/** What the names of a new network's namespaces begin with: they tell which process made them. */
export function ownPrefix(): string {
  return `tsring-${process.pid}-${startOf(process.pid)}-${networks++}`;
}

/** Removes what processes left behind that are dead, and whose removers died with them. */
export function removeDeadNetworks(): void {
  for (const prefix of prefixes()) {
    const [, pid, start] = /^tsring-(\d+)-(\d+)-/.exec(prefix)!;
    if (startOf(Number(pid)) === start) continue;
    execFileSync('sh', [path.join(sourceFolder(), 'remove-hosts.sh'), prefix], { input: '', timeout: 30_000 });
  }
}

/** Why this process cannot make networks; undefined if it can. */
export function whyNoNetworks(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const trial = `${ownPrefix()}-trial`;
  try {
    execFileSync('ip', ['netns', 'add', trial], { timeout: 10_000, stdio: 'pipe' });
    execFileSync('ip', ['-n', trial, 'link', 'add', 'name', 'a', 'type', 'veth', 'peer', 'name', 'b'], {
      stdio: 'pipe',
    });
    execFileSync('tc', ['-n', trial, 'qdisc', 'add', 'dev', 'a', 'root', 'tbf', ...trialRate], { stdio: 'pipe' });
    closeSync(openSync('/dev/net/tun', 'r+')); // for those with a delay
    return undefined;
  } catch (error) {
    return `no network namespaces with links of our own here: ${(error as Error).message.trim()}`;
  } finally {
    removePrefix(trial);
  }
}

const trialRate = ['rate', '1mbit', 'burst', '4096', 'latency', '1ms'];

function removePrefix(namespace: string): void {
  try {
    execFileSync('ip', ['netns', 'del', namespace], { timeout: 10_000, stdio: 'pipe' });
  } catch {
    // It was never made, which is what the caller reports.
  }
}

function prefixes(): Set<string> {
  let names: string[];
  try {
    names = readdirSync('/run/netns');
  } catch {
    return new Set(); // there never was one
  }
  return new Set(names.flatMap((name) => /^tsring-\d+-\d+-\d+/.exec(name)?.[0] ?? []));
}

/** When a process started, in ticks since the boot: with its id, the process itself. Empty if there is none. */
function startOf(pid: number): string {
  try {
    // Behind the name, which is in parentheses and may hold anything, the 20th field.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
