import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { RingError } from '../../errors.js';
import { type ClusterOptions, engineNames } from './cluster-options.js';
import type { Invitation } from './invitation.js';

/** What the driver is told, once; see cluster-driver.py. */
export interface DriverOrders {
  readonly engine: ClusterOptions['engine'];
  readonly address: string;
  readonly settings: ClusterOptions['settings'];
  /** Of the application, for people. */
  readonly name: string;
  readonly tasks: number;
  readonly timeoutSeconds: number;
  /** Program and arguments of the agent. */
  readonly agent: readonly string[];
  readonly invitation: Omit<Invitation, 'task' | 'share'>;
  /** The user has said which interfaces to take: those addresses and no others. */
  readonly hasInterfaces: boolean;
}

type Report =
  | { readonly kind: 'started'; readonly application: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed' | 'missing'; readonly message: string };

/** The driver gives the cluster 15 s of these to let go. */
const farewellMs = 20_000;

/** The Python program that has Spark or Ray run our tasks, for as long as its standard input is open. */
export class ClusterDriver {
  /** Settles with RING_LAUNCH if the cluster fails, or its tasks end before they are told to. */
  readonly failed: Promise<RingError>;
  private readonly engine: string;
  private readonly python = process.env['TSRING_PYTHON'] || 'python3';
  private readonly process: ChildProcess;
  private readonly ended: Promise<unknown>;
  private isClosing = false;
  private hasStarted = false;
  private said = '';
  private fail: (error: RingError) => void = () => undefined;

  /** @param onLine - called with what Spark or Ray prints, for the curious */
  constructor(
    orders: DriverOrders,
    private readonly onLine: (line: string) => void,
  ) {
    this.engine = engineNames[orders.engine];
    this.failed = new Promise((resolve) => (this.fail = resolve));
    // Away from the terminal: a Ctrl-C is for tsrun, which then ends the ranks and lets go of the cluster.
    const child = spawn(this.python, ['-u', driverProgram()], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.process = child;
    this.ended = new Promise((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        this.giveUp(`${this.python} cannot be started (${error.code ?? error.message}); set TSRING_PYTHON`);
        resolve(error);
      });
      child.once('exit', resolve);
    });
    child.once('close', (code, signal) => this.giveUp(`the driver ended with ${signal ?? code}${this.lastWords()}`));
    child.stdin.on('error', () => undefined); // its end tells
    child.stdin.write(`${JSON.stringify(orders)}\n`);
    createInterface({ input: child.stdout }).on('line', (line) => this.hear(JSON.parse(line) as Report));
    createInterface({ input: child.stderr }).on('line', (line) => this.note(line));
  }

  /** Lets go of the cluster, and waits until that is done. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.process.stdin!.end();
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise((resolve) => (timer = setTimeout(resolve, farewellMs)));
    await Promise.race([this.ended, overdue]);
    clearTimeout(timer);
    if (this.process.exitCode === null && this.process.pid !== undefined) this.process.kill('SIGKILL');
  }

  private hear(report: Report): void {
    if (report.kind === 'started') this.hasStarted = true;
    else if (report.kind === 'missing') this.giveUp(this.remedy(report.message));
    else if (report.kind === 'failed') this.giveUp(report.message + (this.hasStarted ? '' : this.lastWords()));
    else this.giveUp('its tasks have ended');
  }

  private remedy(message: string): string {
    const [package_, beside] = this.engine === 'Spark' ? ['pyspark', ', and Java'] : ['ray', ''];
    const install = `${this.python} -m pip install ${package_}`;
    return `${this.python} has no ${package_} (${message}): ${install}${beside}, or set TSRING_PYTHON to a Python that has it`;
  }

  private note(line: string): void {
    if (line.trim() === '') return;
    this.said = `${this.said}${line}\n`.slice(-2000);
    if (!this.isClosing) this.onLine(line);
  }

  private lastWords(): string {
    const lines = this.said.trim().split('\n').slice(-3).join('; ');
    return lines === '' ? '' : `: ${lines}`;
  }

  private giveUp(why: string): void {
    if (!this.isClosing) this.fail(new RingError('RING_LAUNCH', `${this.engine}: ${why}`));
  }
}

/** It is not compiled, so it stays where it is written. */
function driverProgram(): string {
  const root = path.dirname(createRequire(import.meta.url).resolve('tsring/package.json'));
  return path.join(root, 'lib/launcher/cluster/cluster-driver.py');
}
