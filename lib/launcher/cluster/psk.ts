import type { TlsOptions } from 'node:tls';

/**
 * TLS 1.3 by a pre-shared key with ephemeral Diffie-Hellman: both sides prove that they have the key, and who learns it later can
 * read nothing of before.
 */
export const pskOptions = {
  minVersion: 'TLSv1.3',
  // A key of 32 bytes goes with SHA-256: OpenSSL offers no other for a key that is not from an earlier session.
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256',
} as const satisfies TlsOptions;
