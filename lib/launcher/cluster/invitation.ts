import type { Share } from '../host-facts.js';

/**
 * What a task in a cluster needs to call tsrun, as one line of JSON on its agent's standard input. The key is made for this and serves
 * nothing else: the job's secret goes over the connection that it opens, and it is worth nothing once all tasks have called.
 */
export interface Invitation {
  /** Of tsrun's host, in order of preference. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** 64 hex digits: see psk.ts. */
  readonly key: string;
  /** Number of the task, from 0. */
  readonly task: number;
  readonly share: Share;
}
