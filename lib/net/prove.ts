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
  purposes,
} from './handshake.js';

/**
 * The server closed the connection. Before our proof: it had too many strangers at once. After it: the same, if a flood
 * came in between, or it took the proof and refused it.
 */
export class ConnectionClosed extends Error {
  constructor(readonly afterProof: boolean) {
    super('the store closed the connection');
  }
}

interface Store extends JobCredentials {
  readonly host: string;
  readonly port: number;
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
export async function proveOurselves(socket: Socket, store: Store, deadline: AbortSignal): Promise<Socket> {
  const challenge = await readExactly(socket, challengeBytes, deadline);
  if (challenge === undefined) throw new ConnectionClosed(false);
  if (!isChallenge(challenge)) throw refused(store);
  checkEncryption(challenge, store);
  const stream = store.encrypt ? await callTls(socket, store, deadline).catch(notTheKey(store)) : socket;
  if (stream === undefined) throw new ConnectionClosed(false);
  const proof = makeProof(
    challenge,
    { purpose: purposes.store, rank: store.rank, generation: store.generation },
    store,
  );
  stream.write(proof);
  const accept = await readExactly(stream, acceptBytes, deadline);
  if (accept === undefined) throw new ConnectionClosed(true);
  if (!checkAccept(challenge, proof, accept, store)) throw refused(store);
  return stream;
}

/** Before anything is sent that the other side could not read, or others could. */
function checkEncryption(challenge: Buffer, { host, port, rank, encrypt }: Store): void {
  const offer = encryptionOf(challenge);
  if (offer === encryptions.offered || offer === (encrypt ? encryptions.required : encryptions.none)) return;
  const [store, own] = encrypt ? ['does not encrypt', 'does'] : ['encrypts', 'does not'];
  throw new RingError(
    'RING_HANDSHAKE',
    `the store at ${host}:${port} ${store}, and rank ${rank} ${own}; give all the same \`encrypt\` (tsrun --encrypt, TSRING_ENCRYPT)`,
  );
}

function notTheKey(store: Store): (error: unknown) => never {
  return (error) => {
    throw error instanceof RingError ? refused(store) : error;
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
