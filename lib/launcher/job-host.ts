import type { Readable } from 'node:stream';
import type { RingError } from '../errors.js';
import type { Placement } from './assign-ranks.js';
import type { HostFacts } from './host-facts.js';
import type { Numbered } from './process-names.js';
import type { ProbeTarget, Reached } from './probe.js';

/** A host of a job, this one or another: what tsrun has it do. */
export interface JobHost {
  /** As the user names it. */
  readonly name: string;
  readonly facts: HostFacts;
  /** Settles when the host cannot be used any more, though its ranks may have been well. */
  readonly lost: Promise<RingError>;
  /** Lets other hosts try to reach this one, until `endProbes`. */
  listenForProbes(): Promise<{ readonly port: number; readonly word: string }>;
  probe(targets: readonly ProbeTarget[], timeoutMs: number): Promise<Reached[]>;
  endProbes(): void;
  /** Starts ranks, all or as many as can be; then `failure` says why the first could not. */
  start(ranks: readonly RankStart[]): Promise<{ readonly ranks: RankProcess[]; readonly failure?: RingError }>;
  /** Ends all processes of the job on this host, politely first. Returns how many cannot be ended. */
  stop(how: HowToStop): Promise<number>;
  /** Lets go of the host, after `stop`. */
  close(): Promise<void>;
  /** Something has gone wrong here: ends what runs there, without waiting. */
  abandon(): void;
}

export interface RankStart {
  readonly placement: Placement;
  /** Arguments of `node`. */
  readonly nodeArguments: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Processors to keep to; absent: any. */
  readonly cpus?: readonly number[];
}

export interface HowToStop {
  /** What all processes of the job get first. */
  readonly signal: NodeJS.Signals;
  /** How long they have from then to SIGKILL. */
  readonly graceMs: number;
  /** Aborting it ends the grace. */
  readonly hurry: AbortSignal;
}

/** How a rank's process ended: by `code` or by `signal`. */
export interface RankExit extends Numbered {
  readonly pid: number;
  readonly host: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly atMs: number;
}

export interface RankProcess {
  readonly placement: Placement;
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the rank's own process has ended; others may still hold its output. */
  readonly exited: Promise<RankExit>;
  hasExited(): boolean;
}
