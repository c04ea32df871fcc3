import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RingError } from '../errors.js';
import type { Job } from './processes.js';

/** So often a guard that has died is replaced; more often means that something here kills them on purpose. */
const maxReplacements = 3;

/** tsrun's end of the guard process, which kills the job should tsrun die. See guard-process.ts. */
export class Guard {
  /** Settles, with RING_LAUNCH, when there is no guard and cannot be one. */
  readonly lost: Promise<RingError>;
  private process: ChildProcess;
  private replacements = 0;
  private dismissed = false;
  private giveUp: (error: RingError) => void = () => undefined;

  /** Starts the guard and does not wait for it. */
  constructor(private job: Job) {
    this.lost = new Promise((resolve) => (this.giveUp = resolve));
    this.process = this.start();
  }

  /** Tells the guard what to kill from now on. */
  watch(job: Job): void {
    this.job = job;
    this.process.stdin?.write(`${JSON.stringify(job)}\n`);
  }

  /** Ends the guard, once the job has ended. It has nothing to tidy up, and a kill spares waiting until it has started. */
  async dismiss(): Promise<void> {
    this.dismissed = true;
    const { exitCode, signalCode, pid } = this.process;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }

  /** Has the guard do what it is there for, now, and ends our part. */
  killJob(): void {
    this.dismissed = true;
    this.process.stdin?.end();
    this.process.unref();
  }

  private start(): ChildProcess {
    const environment = { ...process.env };
    delete environment['NODE_OPTIONS']; // the user's are for the ranks
    delete environment['TSRING_LAUNCH_ID']; // inside a rank of another job, that job's end would kill our guard too early
    // What it must know goes along: a pipe could still be empty when tsrun is killed.
    const script = fileURLToPath(new URL('guard-process.js', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(this.job)], {
      cwd: '/',
      detached: true, // Ctrl-C and a closing terminal are not for it
      env: environment,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.once('error', (cause) => this.giveUp(new RingError('RING_LAUNCH', `no guard: ${cause.message}`, { cause })));
    child.once('exit', () => this.replace());
    child.stdin.on('error', () => undefined); // it has died, which 'exit' tells
    this.process = child;
    return child;
  }

  private replace(): void {
    if (this.dismissed) return;
    if (this.replacements++ < maxReplacements) this.start();
    else this.giveUp(new RingError('RING_LAUNCH', `the guard process was killed ${this.replacements} times`));
  }
}
