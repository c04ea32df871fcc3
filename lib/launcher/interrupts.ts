const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof stopSignals)[number];

/** `process`, or what stands for it in a test. */
export interface SignalSource {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
  off(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
}

/** npm and npx pass on a Ctrl-C that we have had from the terminal already; within this time it is the same one. */
const echoMs = 300;

/** The signals that the user sends us: the first asks the job to stop, another one while it stops means at once. */
export class Interrupts {
  /** Settles with the first signal. */
  readonly first: Promise<StopSignal>;
  private readonly hurryController = new AbortController();
  private isStopping = false;
  private last: { signal: StopSignal; atMs: number } | undefined;
  private readonly listener: (signal: StopSignal) => void;

  constructor(private readonly source: SignalSource | undefined) {
    let resolveFirst: (signal: StopSignal) => void;
    this.first = new Promise((resolve) => (resolveFirst = resolve));
    this.listener = (signal) => {
      const atMs = performance.now();
      if (this.last?.signal === signal && atMs - this.last.atMs < echoMs) return;
      this.last = { signal, atMs };
      if (this.isStopping) this.hurryController.abort();
      this.isStopping = true;
      resolveFirst(signal);
    };
    for (const signal of stopSignals) source?.on(signal, this.listener);
  }

  get hurry(): AbortSignal {
    return this.hurryController.signal;
  }

  /** The job is being stopped already, for whatever reason: the next signal is one too many. */
  stopping(): void {
    this.isStopping = true;
  }

  close(): void {
    for (const signal of stopSignals) this.source?.off(signal, this.listener);
  }
}
