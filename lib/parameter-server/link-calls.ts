import type { MessagePort } from 'node:worker_threads';
import type { Rendezvous } from '../config.js';
import type { RingErrorCode } from '../errors.js';
import type { Reply, Request, Unsent } from './messages.js';

/*
 * What the thread that trains and the thread that speaks with the servers (link-thread.ts) tell each other.
 */

export interface LinkSettings {
  readonly rendezvous: Omit<Rendezvous, 'secret'> & { readonly secret: Uint8Array };
  readonly encrypt: boolean;
  readonly rank: number;
  readonly servers: number;
  readonly startTimeoutMs: number;
  readonly timeoutMs: number;
}

export interface LinkData extends LinkSettings {
  /** 0 while a call goes on; the waiting thread is woken up when it is 1. */
  readonly signal: SharedArrayBuffer;
  /** All weights, or all gradients, as the layout has them. Each server's share is written and read in place. */
  readonly values: SharedArrayBuffer;
  readonly port: MessagePort;
}

export interface LinkCall {
  readonly request: Unsent<Request>;
  /** Send each server its share of `values`. */
  readonly withValues: boolean;
  /** And behind it, to each server, these. */
  readonly more?: readonly Uint8Array[][];
}

/** What came of a call: what each server answered, with the payload where it is not put into `values`. */
export type LinkResult =
  | { readonly answers: readonly Answer[] }
  | { readonly code: RingErrorCode; readonly message: string; readonly broken: boolean };

export interface Answer {
  readonly reply: Reply;
  readonly payload: Uint8Array;
}
