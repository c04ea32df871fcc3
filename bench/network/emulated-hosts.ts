import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { allowedCpus, shareOf } from '../../lib/launcher/cpus.js';
import { formatCpuList } from '../../lib/processors.js';
import { compiled } from './compile.js';
import { ownPrefix, removeDeadNetworks } from './network-names.js';
import { sourceFolder } from './source-folder.js';

export interface NetworkOptions {
  /** 2 to 8. */
  readonly hosts: number;
  /** Of each host's link, in either direction; 0: as much as the kernel carries, for networks without a delay. */
  readonly rateMbit: number;
  /** One way; 0, the default, adds nothing to what the kernel takes, and needs neither a compiler nor TAP devices. */
  readonly delayUs?: number;
  /** The largest receive buffer of a connection, half of which is its window: with a delay it limits each connection, whatever the link carries. */
  readonly bufferBytes?: number | undefined;
  /** Each host runs its programs on a share of this machine's processors, and with more hosts than processors on one of them; otherwise all run on all. */
  readonly ownCpus?: boolean;
}

/**
 * Hosts for tests and benchmarks: network namespaces on this machine, joined by links of a rate and a delay. Needs root.
 *
 * Without a delay the links are veth pairs on a bridge, shaped by the kernel. With one they are TAP devices of a switch of our own,
 * as many kernels lack the discipline for delays. Either way the switch is in a namespace of its own: the machine's own networks
 * are out of reach. Everything is removed by `close`, and when this process ends, however it does.
 */
export class EmulatedHosts implements AsyncDisposable {
  static async create(options: NetworkOptions): Promise<EmulatedHosts> {
    const { hosts, rateMbit, delayUs = 0, bufferBytes, ownCpus = false } = options;
    if (rateMbit === 0 && delayUs > 0) throw new RangeError('a network with a delay wants a rate');
    if (!Number.isInteger(hosts) || hosts < 2 || hosts > mostHosts) throw new RangeError(`2 to ${mostHosts} hosts`);
    removeDeadNetworks();
    const network = new EmulatedHosts(hosts, ownPrefix(), ownCpus ? shareCpus(hosts) : []);
    try {
      if (delayUs > 0) await network.linkByOurSwitch(rateMbit, delayUs);
      else network.linkByBridge(rateMbit);
      for (let host = 0; host < hosts; host++) {
        network.raiseLink(host, rateMbit);
        if (bufferBytes !== undefined) network.limitBuffers(host, bufferBytes);
      }
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  private readonly remover: ChildProcess;
  private bridged = false;

  private constructor(
    readonly hosts: number,
    /** What the names of its namespaces begin with; hosts follow as `-0`, `-1` and so on. */
    readonly prefix: string,
    /** The processors of each host, as taskset has them; empty: every host has all. */
    readonly cpus: readonly string[],
  ) {
    this.remover = spawn('sh', [path.join(sourceFolder(), 'remove-hosts.sh'), prefix], {
      detached: true, // it outlives us, whatever signal ends us
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.remover.unref();
    this.remover.stdin!.on('error', () => undefined); // it has died, and the next run's removal does its work
    const names = [...Array(hosts).keys()].map((host) => this.name(host));
    ip(['-batch', '-'], [this.switchName, ...names].map((name) => `netns add ${name}`).join('\n'));
  }

  address(host: number): string {
    return addressOf(host);
  }

  /** Starts a program in a host. The process is the program's own, so that its id and signals are as usual. */
  spawn(host: number, command: readonly [string, ...string[]], options: SpawnOptions = {}): ChildProcess {
    const [program, ...args] = this.inHost(host, command);
    return spawn(program, args, options);
  }

  /** What to start for a program to run in a host. */
  inHost(host: number, command: readonly [string, ...string[]]): [string, ...string[]] {
    const bound = this.cpus[host] === undefined ? [] : ['taskset', '--cpu-list', this.cpus[host]];
    return ['ip', 'netns', 'exec', this.name(host), ...bound, ...command];
  }

  /** A second wire that joins these two hosts alone: `lab1` on both, with addresses that no other host has a way to. */
  addWire(one: number, other: number): void {
    ip(['-n', this.name(one), '-batch', '-'], `link add lab1 type veth peer name lab1 netns ${this.name(other)}`);
    for (const host of [one, other]) {
      const lines = [`addr add ${this.secondAddress(host)}/24 dev lab1`, 'link set lab1 up'];
      ip(['-n', this.name(host), '-batch', '-'], lines.join('\n'));
    }
  }

  /** On the wire that `addWire` added. */
  secondAddress(host: number): string {
    return `10.231.78.${host + 1}`;
  }

  /** From now on nothing that is sent to or from `host` arrives, and nobody is told. For networks without a delay. */
  cut(host: number): void {
    this.setPort(host, 'disabled');
  }

  /** Undoes `cut`. */
  mend(host: number): void {
    this.setPort(host, 'forwarding');
  }

  /** Ends whatever runs in the hosts, and removes them. */
  async close(): Promise<void> {
    if (this.remover.exitCode !== null || this.remover.signalCode !== null) return;
    this.remover.ref();
    const removed = once(this.remover, 'exit');
    this.remover.stdin!.end();
    await removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private get switchName(): string {
    return `${this.prefix}-switch`;
  }

  private name(host: number): string {
    return `${this.prefix}-${host}`;
  }

  private linkByBridge(rateMbit: number): void {
    const hosts = [...Array(this.hosts).keys()];
    this.bridged = true;
    const lines = [
      'link add bridge type bridge stp_state 0 mcast_snooping 0',
      'link set bridge up',
      ...hosts.flatMap((host) => [
        `link add port${host} type veth peer name ${device} netns ${this.name(host)}`,
        `link set port${host} master bridge up`,
      ]),
    ];
    ip(['-n', this.switchName, '-batch', '-'], lines.join('\n'));
    for (const host of hosts) shape(this.switchName, `port${host}`, rateMbit, 'latency 20ms');
  }

  private async linkByOurSwitch(rateMbit: number, delayUs: number): Promise<void> {
    const names = [...Array(this.hosts).keys()].map((host) => this.name(host));
    const program = await compiled('delay-switch');
    const queueKb = 1024; // of a switch's port
    const args = [String(rateMbit), String(delayUs), String(queueKb), ...names];
    // It is in a namespace that goes when we go, so the remover ends it if the end of its standard input has not.
    const child = spawn('ip', ['netns', 'exec', this.switchName, program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
    const [ready] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
    if (!Buffer.isBuffer(ready)) throw new Error(`the switch did not start: ${complaint.trim()}`);
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
  }

  private raiseLink(host: number, rateMbit: number): void {
    const lines = [
      'link set lo up',
      `link set ${device} address 02:00:00:00:00:0${host + 1}`,
      `addr add ${addressOf(host)}/24 dev ${device}`,
      `link set ${device} up`,
    ];
    ip(['-n', this.name(host), '-batch', '-'], lines.join('\n'));
    shape(this.name(host), device, rateMbit, 'latency 200ms');
  }

  private limitBuffers(host: number, bytes: number): void {
    const [program, ...args] = this.inHost(host, ['sysctl', '-qw', `net.ipv4.tcp_rmem=4096 ${bytes} ${bytes}`]);
    execFileSync(program, args, { timeout: 10_000, stdio: 'pipe' });
  }

  private setPort(host: number, state: 'disabled' | 'forwarding'): void {
    if (!this.bridged) throw new Error('this network has a delay, and so no bridge');
    const args = ['-n', this.switchName, 'link', 'set', 'dev', `port${host}`, 'state', state];
    execFileSync('bridge', args, { timeout: 10_000, stdio: 'pipe' });
  }
}

const mostHosts = 8;
const device = 'lab0';

function shareCpus(hosts: number): string[] {
  const cpus = allowedCpus().map(({ cpu }) => cpu);
  return [...Array(hosts).keys()].map((host) => formatCpuList(shareOf(cpus, hosts, host)));
}

function addressOf(host: number): string {
  return `10.231.77.${host + 1}`;
}

/** A burst of two segmentation-offload frames of 64 KB, or of 1 ms at the rate if that is more. */
function shape(namespace: string, link: string, rateMbit: number, queue: string): void {
  if (rateMbit === 0) return;
  const burst = Math.max(128 * 1024, Math.round((rateMbit * 1000) / 8));
  const line = `qdisc replace dev ${link} root tbf rate ${rateMbit}mbit burst ${burst} ${queue}`;
  execFileSync('tc', ['-n', namespace, '-batch', '-'], { input: line, timeout: 10_000, stdio: 'pipe' });
}

function ip(args: readonly string[], input: string): void {
  execFileSync('ip', args, { input, timeout: 10_000, stdio: 'pipe' });
}
