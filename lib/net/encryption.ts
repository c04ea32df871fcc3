import { constants, createHmac } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { RingError } from '../errors.js';
import { jobDigest, type JobCredentials } from './handshake.js';

/*
 * TLS 1.3 with a pre-shared key, as native/transport/tcp/tls.h speaks it: no certificates, no tickets. The key is derived from the job's
 * secret, which itself is never handed to TLS.
 */

const parameters = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256', // of those with SHA-256, which keys from Node's callback go with
} as const;
const identity = 'tsring';

/** The first byte of a TLS connection. Our own proofs begin with another. */
export const tlsFirstByte = 0x16;

export function tlsKey({ secret, jobId }: JobCredentials): Buffer {
  return createHmac('sha256', secret).update('tsring tls 1.3 psk').update(jobDigest(jobId)).digest();
}

/** The called side's TLS on a connected socket. Errors come as `error` events. */
export function answerTls(socket: Socket, job: JobCredentials): TLSSocket {
  const secureContext = createSecureContext({ ...parameters, secureOptions: constants.SSL_OP_NO_TICKET });
  const pskCallback = (_: unknown, name: string) => (name === identity ? tlsKey(job) : null);
  return new TLSSocket(socket, { isServer: true, secureContext, pskCallback } as object);
}

/**
 * The caller's TLS on a connected socket, once both sides have shown that they know the key.
 *
 * @returns undefined if the other side hangs up without a word
 * @throws RING_HANDSHAKE if it does not know the key; what `deadline` was aborted with
 */
export function callTls(socket: Socket, job: JobCredentials, deadline: AbortSignal): Promise<TLSSocket | undefined> {
  const tls = connect({
    ...parameters,
    socket,
    ca: [],
    pskCallback: () => ({ psk: tlsKey(job), identity }),
    // Asked only of who came with a certificate in place of the key.
    checkServerIdentity: () => new RingError('RING_HANDSHAKE', "TLS without the job's key"),
  });
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      tls.off('secureConnect', onSecure).off('error', onError).off('close', onClose);
      tls.on('error', () => undefined); // later ones reach us through 'close'
      deadline.removeEventListener('abort', onAbort);
      settle();
    };
    const onSecure = () => finish(() => resolve(tls));
    const onClose = () => finish(() => resolve(undefined));
    const onAbort = () => finish(() => reject(deadline.reason as Error));
    const onError = (error: NodeJS.ErrnoException) => {
      const hungUp = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      finish(() => (hungUp ? resolve(undefined) : reject(new RingError('RING_HANDSHAKE', error.message))));
    };
    tls.on('secureConnect', onSecure).on('error', onError).on('close', onClose);
    deadline.addEventListener('abort', onAbort);
    if (deadline.aborted) onAbort();
  });
}
