import { setTimeout as delay } from 'node:timers/promises';
import { forwardLines, type Outlet } from './output.js';
import { OutputFile } from './output-file.js';
import type { Sink } from './sink.js';
import { folderOf, labelOf, type Numbered } from './process-names.js';
import type { RankExit, RankProcess } from './job-host.js';

/** A report of a lost peer explains an exit that follows it within this time. */
const witnessWindowMs = 2000;

/** Once all processes of a job are gone, its pipes end at once, unless a process that we cannot see holds one open. */
const endOfOutputMs = 1000;

/** What the user wants of the ranks' output. */
export interface OutputForm {
  /** `[rank]<stream>:` before each line. */
  readonly tagged: boolean;
  /** The time before that. */
  readonly timestamp: boolean;
  /** Where files are written, in place of the terminal, or beside it with `tee`. */
  readonly folder?: string;
  readonly tee?: boolean;
}

type StreamName = 'stdout' | 'stderr';

/** Brings what the ranks print to tsrun's own outputs, or to files. */
export class OutputForwarder {
  /** Settles when nobody reads our standard output or error any more. */
  readonly broken: Promise<void>;
  private readonly streams: { forwarded: Promise<void>; abandon: () => void }[] = [];
  private readonly lostPeerReports = new Map<number, number>();
  private readonly files = new Map<string, OutputFile>();
  /** Runs of lines passed on so far: what still moves is not given up. */
  private passed = 0;

  constructor(
    private readonly stdout: Sink,
    private readonly stderr: Sink,
    private readonly form: OutputForm,
  ) {
    this.broken = Promise.race([stdout.broken, stderr.broken]);
  }

  /** Makes the files, if files are wanted. @throws RING_LAUNCH if one cannot be made */
  async open(ranks: readonly Numbered[]): Promise<void> {
    const { folder } = this.form;
    if (folder === undefined) return;
    for (const rank of ranks) {
      for (const stream of ['stdout', 'stderr'] satisfies StreamName[]) {
        const fallback = {
          tell: (line: string) => this.say([line]),
          write: (lines: Buffer) => (this.form.tee ? Promise.resolve() : this[stream].write(lines)),
        };
        this.files.set(`${rank.rank} ${stream}`, await OutputFile.create(folder, folderOf(rank), stream, fallback));
      }
    }
  }

  forward({ placement, stdout, stderr }: RankProcess): void {
    const { rank } = placement;
    const onErrorLines = (lines: Buffer) => {
      this.passed++;
      if (lines.includes('RING_PEER_LOST')) this.lostPeerReports.set(rank, performance.now());
    };
    this.streams.push(
      {
        forwarded: forwardLines(stdout, this.outlets(placement, 'stdout'), () => this.passed++),
        abandon: () => stdout.destroy(),
      },
      {
        forwarded: forwardLines(stderr, this.outlets(placement, 'stderr'), onErrorLines),
        abandon: () => stderr.destroy(),
      },
    );
  }

  private outlets(process: Numbered, stream: StreamName): Outlet[] {
    const { tagged, timestamp, tee } = this.form;
    const time = () => (timestamp ? new Date().toISOString() : '');
    const tag = tagged ? `[${labelOf(process)}]<${stream}>:` : timestamp ? ' ' : '';
    const terminal: Outlet = { tag: () => time() + tag, write: (lines) => this[stream].write(lines) };
    const file = this.files.get(`${process.rank} ${stream}`);
    if (file === undefined) return [terminal];
    const outlet: Outlet = { tag: () => (timestamp ? `${time()} ` : ''), write: (lines) => file.write(lines) };
    return tee ? [outlet, terminal] : [outlet];
  }

  /** Whether the rank said, on standard error and shortly before it ended, that it had lost a peer. */
  isWitness({ rank, atMs }: RankExit): boolean {
    return atMs - (this.lostPeerReports.get(rank) ?? -Infinity) < witnessWindowMs;
  }

  /** Writes lines of tsrun's own to standard error. */
  async say(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.stderr.write(lines.map((line) => `tsrun: ${line}\n`).join(''));
  }

  /** Resolves when all that the ranks have printed is out, or the user is in a hurry. To be called after their end. */
  async finish(hurry: AbortSignal): Promise<void> {
    const finished = Promise.all(this.streams.map(({ forwarded }) => forwarded));
    for (let before = this.passed; !(await settlesWithin(finished, endOfOutputMs, hurry)); before = this.passed) {
      if (hurry.aborted) return this.closeFiles();
      const waits = this.stdout.isFull || this.stderr.isFull || this.passed > before; // a slow link brings it bit by bit
      if (!waits) for (const { abandon } of this.streams) abandon();
    }
    await this.closeFiles();
    const flushed = Promise.all([this.stdout.flush(), this.stderr.flush()]);
    await settlesWithin(flushed, forever, hurry);
  }

  private async closeFiles(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.close()));
  }
}

const forever = 2 ** 31 - 1;

/** Whether `promise` settles before the time is over or `cancel` aborts. */
async function settlesWithin(promise: Promise<unknown>, timeoutMs: number, cancel: AbortSignal): Promise<boolean> {
  const settled = new AbortController();
  const timer = delay(timeoutMs, undefined, { signal: AbortSignal.any([settled.signal, cancel]) });
  const finished = promise.then(() => true);
  const result = await Promise.race([finished, timer.then(() => false).catch(() => false)]);
  settled.abort();
  return result;
}
