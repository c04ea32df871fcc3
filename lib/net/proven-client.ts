import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { RingError } from '../errors.js';
import { type Called, ConnectionClosed, proveOurselves, refused } from './prove.js';

export interface ConnectOptions extends Called {
  readonly timeoutMs: number;
  /** Whoever serves may come later than we: where nobody listens, try again until the deadline. */
  readonly awaitServer?: boolean;
}

/**
 * A connection of which both sides have proved that they know the job's secret.
 *
 * @throws RING_CONNECT: nobody listens; RING_HANDSHAKE: wrong secret or job, or another program; RING_TIMEOUT
 */
export async function connectProven(options: ConnectOptions): Promise<Socket> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  for (let refusals = 0; ;) {
    try {
      return await connectOnce(options, deadline);
    } catch (error) {
      if (deadline.aborted) throw timedOut(options, error);
      if (options.awaitServer && isNobodyThere(error)) {
        await delay(50 + 100 * Math.random());
        continue;
      }
      if (!(error instanceof ConnectionClosed)) throw error;
      if (error.afterProof && ++refusals === maxRefusals) throw refused(options);
      await delay(10 + 40 * Math.random()); // where the server is being flooded, the next attempt stands in line anew
    }
  }
}

/** A proof that was refused this often was read, and is wrong; once could be a flood that pushed us out. */
const maxRefusals = 5;

/** A connected and mutually proven socket, or nothing left open. */
async function connectOnce(options: ConnectOptions, deadline: AbortSignal): Promise<Socket> {
  const { what, host, port } = options;
  const socket = createConnection({ host, port, noDelay: true });
  socket.on('error', () => undefined); // errors reach us through whoever waits at the time, and through 'close'
  try {
    await once(socket, 'connect', { signal: deadline });
  } catch (cause) {
    socket.destroy();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RingError('RING_CONNECT', `no ${what} at ${host}:${port}: ${why}`, { cause });
  }
  try {
    return await proveOurselves(socket, options, deadline);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Refused, not routed, or a name that is not known yet. */
function isNobodyThere(error: unknown): boolean {
  const cause = error instanceof RingError && error.code === 'RING_CONNECT' ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause;
}

function timedOut({ what, host, port, timeoutMs }: ConnectOptions, cause: unknown): RingError {
  return new RingError('RING_TIMEOUT', `no connection to the ${what} at ${host}:${port} within ${timeoutMs} ms`, {
    cause,
  });
}
