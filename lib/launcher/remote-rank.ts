import { PassThrough } from 'node:stream';
import type { StreamName } from './agent-messages.js';
import type { Placement } from './assign-ranks.js';
import type { RankExit, RankProcess } from './job-host.js';

/** A rank on another host, as its agent tells of it. */
export class RemoteRank {
  private readonly streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  private readonly exited: Promise<RankExit>;
  private settle: (exit: RankExit) => void = () => undefined;
  private pid = 0;
  private isGone = false;

  /** @param onTaken - told when output has been passed on */
  constructor(
    private readonly placement: Placement,
    private readonly onTaken: (stream: StreamName, bytes: number) => void,
  ) {
    this.exited = new Promise((resolve) => (this.settle = resolve));
  }

  started(pid: number): RankProcess {
    this.pid = pid;
    return { placement: this.placement, pid, ...this.streams, exited: this.exited, hasExited: () => this.isGone };
  }

  /** @param piece - empty at the stream's end */
  output(stream: StreamName, piece: Buffer): void {
    const to = this.streams[stream];
    if (to.writableEnded || to.destroyed) return;
    if (piece.length === 0) to.end();
    else to.write(piece, () => this.onTaken(stream, piece.length));
  }

  ended(exit: RankExit): void {
    this.isGone = true;
    this.settle({ ...exit, atMs: performance.now() }); // by our clock: exits of several hosts are compared
  }

  /** The host is lost, and the rank with it. */
  abandon(): void {
    const { rank, server, host } = this.placement;
    const number = { rank, ...(server === undefined ? {} : { server }) };
    this.ended({ ...number, host, pid: this.pid, code: null, signal: 'SIGKILL', atMs: 0 });
    for (const stream of Object.values(this.streams)) if (!stream.writableEnded) stream.end();
  }
}
