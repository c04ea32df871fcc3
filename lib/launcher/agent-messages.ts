import type { RingErrorCode } from '../errors.js';
import type { HostFacts } from './host-facts.js';
import type { HowToStop, RankExit, RankStart } from './job-host.js';
import type { ProbeTarget, Reached } from './probe.js';

/*
 * What tsrun and its agent on another host say to each other, through the standard input and output of ssh: frames of JSON as the store's
 * (net/frames.ts). The agent first prints a line that a shell's start-up files are not likely to print; what comes before is not ours.
 */

export const agentGreeting = '@tsring-agent';

/** What tsrun asks for, in any order but for `begin`, and what the agent answers. */
export interface AgentCalls {
  begin: { ask: Orders; answer: HostFacts };
  listenForProbes: { ask: null; answer: { readonly port: number; readonly word: string } };
  probe: { ask: { readonly targets: readonly ProbeTarget[]; readonly timeoutMs: number }; answer: readonly Reached[] };
  start: { ask: RankStart; answer: { readonly pid: number } };
  stop: { ask: Omit<HowToStop, 'hurry'>; answer: number };
}
export type AgentCall = keyof AgentCalls;

export interface Orders {
  /** 32 bytes in hex. */
  readonly secret: string;
  /** As the user calls the host. */
  readonly name: string;
  /** Laid over the agent's own environment, for the ranks. */
  readonly environment: NodeJS.ProcessEnv;
  /** Of the ranks. */
  readonly cwd: string;
  /** That all ranks run; absent where node is to find it. */
  readonly script?: string;
  /** Silence that counts as the other side's death; both speak four times in it. */
  readonly silenceMs: number;
  readonly graceMs: number;
}

export type StreamName = 'stdout' | 'stderr';

export type ToAgent =
  | { readonly kind: 'call'; readonly id: number; readonly call: AgentCall; readonly ask: unknown }
  | { readonly kind: 'endProbes' }
  | { readonly kind: 'hurry' }
  | { readonly kind: 'alive' }
  /** So many bytes of output have been passed on: there is room for more. */
  | { readonly kind: 'taken'; readonly rank: number; readonly stream: StreamName; readonly bytes: number };

export type FromAgent =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly code: RingErrorCode; readonly message: string }
  | { readonly kind: 'alive' }
  /** What a rank has printed, in base64; empty at the end. */
  | { readonly kind: 'output'; readonly rank: number; readonly stream: StreamName; readonly data: string }
  | { readonly kind: 'exit'; readonly exit: RankExit }
  | { readonly kind: 'lost'; readonly message: string };

/** Output of one stream that may be on its way; then the agent waits, and the rank with it. */
export const outputWindowBytes = 256 * 1024;
/** Of one message, so that it fits into a frame in base64. */
export const outputPieceBytes = 128 * 1024;
