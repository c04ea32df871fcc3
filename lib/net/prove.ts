import type { Socket } from 'node:net';
import { RingError } from '../errors.js';
import { callTls } from './encryption.js';
import {
  acceptBytes,
  challengeBytes,
  checkAccept,
  encryptionOf,
  encryptions,
  isChallenge,
  type JobCredentials,
  makeProof,
  type Purpose,
} from './handshake.js';

/**
 * The server closed the connection. Before our proof: it had too many strangers at once. After it: the same, if a flood
 * came in between, or it took the proof and refused it.
 */
export class ConnectionClosed extends Error {
  constructor(readonly afterProof: boolean) {
    super('the connection was closed');
  }
}

/** Who is called, and as whom. */
export interface Called extends JobCredentials {
  /** For messages: `store`. */
  readonly what: string;
  readonly host: string;
  readonly port: number;
  readonly purpose: Purpose;
  readonly rank: number;
  readonly generation: number;
  readonly encrypt: boolean;
}

/**
 * The client's side of the handshake on a connected socket.
 *
 * @returns the socket to go on with: another one where the connection is encrypted
 * @throws RING_HANDSHAKE if the other end cannot prove itself, speaks another language, or sees encryption in another way
 * @throws {ConnectionClosed} if it hangs up
 */
export async function proveOurselves(socket: Socket, called: Called, deadline: AbortSignal): Promise<Socket> {
  const challenge = await readExactly(socket, challengeBytes, deadline);
  if (challenge === undefined) throw new ConnectionClosed(false);
  if (!isChallenge(challenge)) throw refused(called);
  checkEncryption(challenge, called);
  const stream = called.encrypt ? await callTls(socket, called, deadline).catch(notTheKey(called)) : socket;
  if (stream === undefined) throw new ConnectionClosed(false);
  const proof = makeProof(
    challenge,
    { purpose: called.purpose, rank: called.rank, generation: called.generation },
    called,
  );
  stream.write(proof);
  const accept = await readExactly(stream, acceptBytes, deadline);
  if (accept === undefined) throw new ConnectionClosed(true);
  if (!checkAccept(challenge, proof, accept, called)) throw refused(called);
  return stream;
}

/** Before anything is sent that the other side could not read, or others could. */
function checkEncryption(challenge: Buffer, { what, host, port, rank, encrypt }: Called): void {
  const offer = encryptionOf(challenge);
  if (offer === encryptions.offered || offer === (encrypt ? encryptions.required : encryptions.none)) return;
  const [theirs, own] = encrypt ? ['does not encrypt', 'does'] : ['encrypts', 'does not'];
  throw new RingError(
    'RING_HANDSHAKE',
    `the ${what} at ${host}:${port} ${theirs}, and rank ${rank} ${own}; give all the same \`encrypt\` (tsrun --encrypt, TSRING_ENCRYPT)`,
  );
}

function notTheKey(called: Called): (error: unknown) => never {
  return (error) => {
    throw error instanceof RingError ? refused(called) : error;
  };
}

export function refused({ host, port }: { host: string; port: number }): RingError {
  return new RingError('RING_HANDSHAKE', `wrong job secret or job id, or another program, at ${host}:${port}`);
}

/** The next `count` bytes; undefined if the stream ends or breaks before that. Rejects when `deadline` aborts. */
function readExactly(socket: Socket, count: number, deadline: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const onReadable = () => {
      const bytes = socket.read(count) as Buffer | null;
      if (bytes !== null) finish(() => resolve(bytes.length === count ? bytes : undefined));
    };
    const onEnd = () => finish(() => resolve(undefined));
    const onAbort = () => finish(() => reject(deadline.reason as Error));
    const finish = (settle: () => void) => {
      socket.off('readable', onReadable).off('end', onEnd).off('error', onEnd).off('close', onEnd);
      deadline.removeEventListener('abort', onAbort);
      settle();
    };
    socket.on('readable', onReadable).on('end', onEnd).on('error', onEnd).on('close', onEnd);
    deadline.addEventListener('abort', onAbort);
    if (deadline.aborted) onAbort();
    else onReadable();
  });
}
