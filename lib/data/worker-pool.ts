import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { RingError } from '../errors.js';
import type { Answer, Ask, Request, Response, TaskName } from './tasks.js';

const idleMs = 10_000;

/**
 * Threads that read and decode. They start when there is something to do, end some seconds after the last user has left, and never keep the
 * process alive but while somebody waits for them.
 */
export class WorkerPool {
  private readonly threads: Thread[] = [];
  private users = 0;
  private waiting = 0;
  private answers = 0;
  private idle: NodeJS.Timeout | undefined;

  /**
   * @param where - leads error messages
   * @param count - of threads, at most
   * @param timeoutMs - how long somebody waits while no thread answers anything
   */
  constructor(
    private readonly where: string,
    private readonly count: number,
    private readonly timeoutMs: number,
  ) {}

  /** Begins a task, on the thread that has least to do. The promise may be let go of. */
  run<N extends TaskName>(name: N, ask: Ask<N>): Promise<Answer<N>> {
    const answer = this.leastBusy().run(name, ask);
    answer.catch(() => undefined); // whoever waits for it is told, and who does not need not know
    return answer;
  }

  /** Waits for what tasks lead to; the process stays alive meanwhile. @throws {RingError} `RING_TIMEOUT`, and what the tasks throw */
  async wait<T>(result: Promise<T>): Promise<T> {
    this.keepAlive(1);
    const late = new AbortController();
    try {
      return await Promise.race([result, this.silence(late.signal)]);
    } finally {
      late.abort();
      this.keepAlive(-1);
    }
  }

  /** Somebody will want it for a while: the threads stay. The function tells the end of that. */
  enter(): () => void {
    clearTimeout(this.idle);
    this.users++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.users--;
      if (this.users === 0) this.idle = setTimeout(() => this.close(), idleMs).unref();
    };
  }

  /** Ends the threads. What they were doing fails with `RING_SHUT_DOWN`; a later task starts new ones. */
  close(): void {
    clearTimeout(this.idle);
    for (const thread of this.threads.splice(0)) thread.end(new RingError('RING_SHUT_DOWN', `${this.where}: closed`));
  }

  private leastBusy(): Thread {
    const least = this.threads.reduce<Thread | undefined>(
      (best, thread) => (best === undefined || thread.tasks < best.tasks ? thread : best),
      undefined,
    );
    if (least !== undefined && (least.tasks === 0 || this.threads.length === this.count)) return least;
    const thread = new Thread(this.where, {
      answered: () => this.answers++,
      ended: () => this.threads.splice(this.threads.indexOf(thread), 1),
    });
    thread.keepAlive(this.waiting > 0);
    this.threads.push(thread);
    return thread;
  }

  private keepAlive(change: 1 | -1): void {
    this.waiting += change;
    for (const thread of this.threads) thread.keepAlive(this.waiting > 0);
  }

  /** Rejects once no thread has answered for `timeoutMs`. */
  private silence(over: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      let seen = this.answers;
      const timer = setInterval(() => {
        // Answers may have come while JavaScript was busy: they are taken in before silence is spoken of.
        setImmediate(() => {
          if (this.answers === seen && !over.aborted)
            reject(
              new RingError('RING_TIMEOUT', `${this.where}: its threads have read nothing for ${this.timeoutMs} ms`),
            );
          seen = this.answers;
        });
      }, this.timeoutMs);
      over.addEventListener('abort', () => clearInterval(timer), { once: true });
    });
  }
}

interface Watcher {
  answered(): void;
  ended(): void;
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: RingError) => void;
}

/** One thread, and what it has been asked for. */
class Thread {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private asked = 0;

  constructor(where: string, watcher: Watcher) {
    this.worker = new Worker(program(where));
    this.worker.on('message', (response: Response) => {
      watcher.answered();
      const pending = this.pending.get(response.id);
      this.pending.delete(response.id);
      if ('answer' in response) pending?.resolve(response.answer as never);
      else pending?.reject(new RingError(response.code, `${where}: ${response.message}`));
    });
    const died = (reason: string) => {
      watcher.ended();
      this.fail(new RingError('RING_INTERNAL', `${where}: a thread that reads has ended: ${reason}`));
    };
    this.worker.once('error', (error) => died(error.message));
    this.worker.once('exit', (code) => this.pending.size > 0 && died(`exit code ${code}`));
  }

  get tasks(): number {
    return this.pending.size;
  }

  run<N extends TaskName>(name: N, ask: Ask<N>): Promise<Answer<N>> {
    const id = this.asked++;
    const request: Request = { id, name, ask };
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.worker.postMessage(request);
    });
  }

  keepAlive(wanted: boolean): void {
    if (wanted) this.worker.ref();
    else this.worker.unref();
  }

  end(reason: RingError): void {
    this.fail(reason);
    void this.worker.terminate();
  }

  private fail(reason: RingError): void {
    for (const { reject } of this.pending.values()) reject(reason);
    this.pending.clear();
  }
}

function program(where: string): URL {
  const file = new URL('worker/main.js', import.meta.url);
  if (existsSync(file)) return file;
  throw new RingError('RING_UNSUPPORTED', `${where}: threads need tsring compiled: no ${file.pathname}`);
}
