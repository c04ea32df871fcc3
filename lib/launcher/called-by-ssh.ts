import type { Readable, Writable } from 'node:stream';
import type { Route, Share } from './host-facts.js';

/** An agent's way to tsrun. */
export interface WayToTsrun {
  readonly input: Readable;
  readonly output: Writable;
  readonly route?: Route;
  readonly share?: Share;
  /** Shows tsrun at once that this host leaves, before its ranks have ended. */
  readonly hangUp: () => void;
}

/** Through the standard input and output that ssh has given us. */
export function calledBySsh(): WayToTsrun {
  const [from, , to] = (process.env['SSH_CONNECTION'] ?? '').split(' ');
  const route = from && to ? { route: { from, to } } : {};
  return { input: process.stdin, output: process.stdout, ...route, hangUp: () => undefined };
}
