const mebibyte = 2 ** 20;

/** Shows how far a download has come: one line rewritten on a terminal, else a new line every five seconds. */
export class Progress {
  #shownAt = Date.now();
  readonly #everyMs: number;

  constructor(
    private readonly what: string,
    private readonly output: NodeJS.WriteStream = process.stderr,
  ) {
    this.#everyMs = output.isTTY ? 100 : 5_000;
  }

  /** @param total - bytes in all, where the server tells */
  update(received: number, total: number | undefined): void {
    if (Date.now() - this.#shownAt < this.#everyMs) return;
    this.#shownAt = Date.now();
    const line = describe(this.what, received, total);
    this.output.write(this.output.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  }

  /** Clears the line that `update` left on a terminal. */
  end(): void {
    if (this.output.isTTY) this.output.write('\r\x1b[K');
  }
}

function describe(what: string, received: number, total: number | undefined): string {
  const done = `${what}: ${(received / mebibyte).toFixed(0)}`;
  return total
    ? `${done} of ${(total / mebibyte).toFixed(0)} MiB, ${Math.floor((100 * received) / total)} %`
    : `${done} MiB`;
}
