import type { Readable, Writable } from 'node:stream';

/** The way to an agent on another host, and back. Whoever makes it sees to its secrecy: the job's secret goes over it. */
export interface AgentLink {
  readonly fromAgent: Readable;
  readonly toAgent: Writable;
  /** What is printed for people on the way. */
  readonly complaints?: Readable;
  /** For the error where no agent answers: how it was made. */
  readonly origin: string;
  /** Settles with the reason when it is down and all that came over it has been read. */
  readonly ended: Promise<string>;
  kill(): void;
  /** From here on it does not keep this process alive. */
  unref(): void;
}
