/** One of tsrun's own outputs, written to by many ranks. Each write stays in one piece. */
export class Sink {
  /** Settles when nobody reads the output any more. From then on writes are dropped, so that no rank waits for ever. */
  readonly broken: Promise<void>;
  private isBroken = false;
  private drained: Promise<void> | undefined;

  constructor(private readonly stream: NodeJS.WritableStream) {
    this.broken = new Promise((resolve) => {
      stream.on('error', () => {
        this.isBroken = true;
        resolve();
      });
    });
  }

  /** Whether writers are waiting for whoever reads the output. */
  get isFull(): boolean {
    return this.drained !== undefined;
  }

  /** Resolves when there is room for more. */
  async write(bytes: Buffer | string): Promise<void> {
    if (this.isBroken || this.stream.write(bytes)) return;
    this.drained ??= new Promise<void>((resolve) => this.stream.once('drain', resolve)).finally(() => {
      this.drained = undefined;
    });
    await Promise.race([this.drained, this.broken]);
  }

  /** Resolves when everything written so far has left the process. */
  async flush(): Promise<void> {
    if (this.isBroken) return;
    const flushed = new Promise<void>((resolve) => this.stream.write('', () => resolve()));
    await Promise.race([flushed, this.broken]);
  }
}
