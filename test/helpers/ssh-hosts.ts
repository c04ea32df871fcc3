import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmulatedHosts } from '../../bench/network/emulated-hosts.js';
import { whyNoNetworks } from '../../bench/network/network-names.js';
import { tsrunPath } from './tsrun.js';

/** For a `before` hook: skips its tests, with the reason, where hosts with an sshd cannot be emulated. */
export function skipWithoutSshHosts(context: Mocha.Context): void {
  const reason = whyNoNetworks() ?? (existsSync(sshd) ? undefined : 'no sshd (openssh-server)');
  if (reason === undefined) return;
  console.log(`      skipped: ${reason}`);
  context.skip();
}

const sshd = '/usr/sbin/sshd';

/** How a run of tsrun ended. */
export interface SshRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface SshRunOptions {
  /** Flags, script and its arguments; a script is absolute. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Called with all of standard output so far, at each piece, and tsrun's process id. */
  readonly onOutput?: (stdout: string, tsrunPid: number) => void;
}

/**
 * Hosts h0, h1, ... that reach each other by those names: each a network, host name and process namespace with a real sshd, but for h0, on
 * which tsrun runs. Everything is in one folder and is removed by `close`.
 */
export class SshHosts implements AsyncDisposable {
  static async create(hosts: number, { rateMbit = 1000 } = {}): Promise<SshHosts> {
    const network = await EmulatedHosts.create({ hosts, rateMbit });
    const all = new SshHosts(network, mkdtempSync(path.join(tmpdir(), 'tsring-ssh-')));
    try {
      all.writeFiles();
      for (let host = 1; host < hosts; host++) all.startSshd(host);
      await Promise.all([...Array(hosts).keys()].slice(1).map((host) => all.untilUp(host)));
      return all;
    } catch (error) {
      await all.close();
      throw error;
    }
  }

  private readonly daemons = new Map<number, ChildProcess>();

  private constructor(
    readonly network: EmulatedHosts,
    /** Has a key `wrong` that no host knows. */
    readonly folder: string,
  ) {}

  /** Runs tsrun on h0. */
  async tsrun({ argv, env = {}, timeoutMs = 30_000, onOutput }: SshRunOptions): Promise<SshRun> {
    const started = performance.now();
    const child = this.network.spawn(0, [process.execPath, tsrunPath, ...argv], {
      env: { ...process.env, ...env, PATH: `${this.folder}/bin:${process.env['PATH'] ?? ''}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput?.(stdout, child.pid!);
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    clearTimeout(timer);
    const elapsedMs = performance.now() - started;
    if (elapsedMs >= timeoutMs) throw new Error(`no end after ${timeoutMs} ms\n${stdout}\n${stderr}`);
    return { code, stdout, stderr, elapsedMs };
  }

  /** Ends a host with all that runs on it, without a word. */
  kill(host: number): void {
    process.kill(Number(this.firstProcess(host)), 'SIGKILL');
  }

  /** From now on a folder is empty, as this host and its new processes see it. */
  hide(host: number, folder: string): void {
    execFileSync('nsenter', ['--target', this.firstProcess(host), '--mount', 'mount', '-t', 'tmpfs', 'none', folder]);
  }

  async restart(host: number): Promise<void> {
    this.startSshd(host);
    await this.untilUp(host);
  }

  /** Command lines of the processes of a host, without the sshd's own and kernel's. */
  processes(host: number): string[] {
    return this.pids(host)
      .map((pid) => commandOf(pid))
      .filter((command) => command.includes('node'));
  }

  /** Kills the processes of a host whose command line has this in it. */
  killProcesses(host: number, part: string): void {
    const some = this.pids(host).filter((pid) => commandOf(pid).includes(part));
    for (const pid of some) process.kill(Number(pid), 'SIGKILL');
  }

  async close(): Promise<void> {
    await this.network.close();
    for (let host = 0; host < this.network.hosts; host++)
      rmSync(this.netnsFolder(host), { recursive: true, force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private pids(host: number): string[] {
    const args = ['netns', 'pids', `${this.network.prefix}-${host}`];
    return execFileSync('ip', args, { encoding: 'utf8' }).trim().split('\n');
  }

  /** With whose end all processes of the host end. */
  private firstProcess(host: number): string {
    const outer = this.daemons.get(host)!.pid!;
    return readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim();
  }

  private writeFiles(): void {
    const at = (name: string) => path.join(this.folder, name);
    for (const key of ['host', 'user', 'wrong']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'tsring-test', '-f', at(key)]);
    }
    const names = [...Array(this.network.hosts).keys()].map((host) => `h${host}`);
    const addresses = names.map((name, host) => `${this.network.address(host)} ${name}`);
    const hosts = `127.0.0.1 localhost\n${addresses.join('\n')}\n`;
    for (const host of names.keys()) {
      mkdirSync(this.netnsFolder(host), { recursive: true }); // ip netns exec lays these over /etc
      writeFileSync(path.join(this.netnsFolder(host), 'hosts'), hosts);
    }
    writeFileSync(
      at('known_hosts'),
      `${names.join(',')},10.231.77.*,10.231.78.* ${readFileSync(at('host.pub'), 'utf8')}`,
    );
    writeFileSync(
      at('sshd_config'),
      `HostKey ${at('host')}\nAuthorizedKeysFile ${at('user.pub')}\nStrictModes no\nUsePAM no\nPidFile none\n` +
        'PermitRootLogin yes\nPasswordAuthentication no\n',
    );
    writeFileSync(
      at('ssh_config'),
      `Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile ${at('known_hosts')}\n  StrictHostKeyChecking yes\n`,
    );
    mkdirSync(at('bin'));
    writeFileSync(
      at('bin/ssh'),
      `#!/bin/sh\ncase " $* " in *" -i "*) ;; *) set -- -i ${at('user')} "$@" ;; esac\nexec /usr/bin/ssh -F ${at('ssh_config')} "$@"\n`,
      { mode: 0o755 },
    );
  }

  private startSshd(host: number): void {
    const script = `mount -t tmpfs none /run && mkdir /run/sshd && hostname h${host} && exec ${sshd} -D -e -f ${this.folder}/sshd_config`;
    const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--uts'] as const;
    const child = spawn('ip', ['netns', 'exec', `${this.network.prefix}-${host}`, ...unshare, 'sh', '-c', script], {
      stdio: 'ignore',
    });
    this.daemons.set(host, child);
  }

  private async untilUp(host: number): Promise<void> {
    const deadline = performance.now() + 10_000;
    const look = `require('net').connect(22, '${this.network.address(host)}').on('connect', () => process.exit()).on('error', () => process.exit(1))`;
    for (;;) {
      const child = this.network.spawn(0, [process.execPath, '-e', look], { stdio: 'ignore' });
      const code = await new Promise((resolve) => child.once('exit', resolve));
      if (code === 0) return;
      if (performance.now() > deadline) throw new Error(`no sshd on h${host} after 10 s`);
      await delay(50);
    }
  }

  private netnsFolder(host: number): string {
    return `/etc/netns/${this.network.prefix}-${host}`;
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return ''; // gone meanwhile
  }
}
