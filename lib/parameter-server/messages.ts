import { z } from 'zod';
import { ringErrorCodes } from '../errors.js';

/*
 * What workers and parameter servers say to each other, after the handshake: frames of JSON as the store's (net/frames.ts), each with `bytes`,
 * and behind the frame so many bytes of float32, in the order of the machine, which is little-endian wherever Node runs. A worker asks one
 * thing at a time on each connection; an `error` may come at any time.
 */

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const bytes = count;

const variable = z.object({ name: z.string(), shape: z.array(count) });
const optimizer = z.object({ className: z.string(), config: z.record(z.string(), z.unknown()) });

const join = z.object({
  kind: z.literal('join'),
  /** Several optimizers of a job are told apart by it. */
  model: z.string(),
  variables: z.array(variable),
  optimizer,
  sync: z.boolean(),
  /** Steps; null: no bound. */
  maxStaleness: count.nullable(),
  /** From the chief: the payload is the server's share of the weights, then of each slot. */
  slots: z.array(z.string()).optional(),
  iterations: count.optional(),
  bytes,
});
const request = z.discriminatedUnion('kind', [
  join,
  /** The payload is the gradient of the server's share. The answer: `weights`, once the worker may make its next step. */
  z.object({ kind: z.literal('push'), learningRate: z.number(), bytes }),
  /** The answer: `weights`, as they are now. */
  z.object({ kind: z.literal('pull'), bytes }),
  /** The answer: `state`. */
  z.object({ kind: z.literal('state'), bytes }),
  /** The worker makes no more steps. The answer: `left`. */
  z.object({ kind: z.literal('leave'), bytes }),
]);
const reply = z.discriminatedUnion('kind', [
  /** `iterations` are those that training began with, of a checkpoint. */
  z.object({ kind: z.literal('weights'), iterations: count, bytes }),
  /** The payload is the share of the weights, then of each slot. */
  z.object({ kind: z.literal('state'), iterations: count, slots: z.array(z.string()), bytes }),
  z.object({ kind: z.literal('left'), bytes }),
  z.object({ kind: z.literal('error'), code: z.enum(ringErrorCodes), message: z.string(), bytes }),
]);

export type Request = z.output<typeof request>;
export type Join = z.output<typeof join>;
export type Reply = z.output<typeof reply>;
export type OptimizerSpec = z.output<typeof optimizer>;
/** A message without the length of its payload, which is filled in when it is sent. */
export type Unsent<M> = M extends unknown ? Omit<M, 'bytes'> : never;

/** Undefined if it is none. */
export function asRequest(message: unknown): Request | undefined {
  return request.safeParse(message).data;
}

/** Undefined if it is none. */
export function asReply(message: unknown): Reply | undefined {
  return reply.safeParse(message).data;
}
