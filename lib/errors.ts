/**
 * The codes of a {@link RingError}. They are the stable contract: branch on them, not on messages.
 * docs/errors.md explains each; a test keeps the two equal.
 */
export const ringErrorCodes = [
  'RING_NOT_INITIALIZED',
  'RING_ALREADY_INITIALIZED',
  'RING_SHUT_DOWN',
  'RING_INVALID_ARGUMENT',
  'RING_CONFIG',
  'RING_MISMATCH',
  'RING_DUPLICATE_NAME',
  'RING_PEER_LOST',
  'RING_TIMEOUT',
  'RING_CONNECT',
  'RING_HANDSHAKE',
  'RING_ADDON',
  'RING_UNSUPPORTED',
  'RING_LAUNCH',
  'RING_INTERNAL',
  'RING_NOT_FINITE',
  'RING_CORRUPT',
  'RING_DATA',
] as const;

export type RingErrorCode = (typeof ringErrorCodes)[number];

/** Every failure of this package. Branch on `code`; `message` is for people and may change. */
export class RingError extends Error {
  override readonly name = 'RingError';

  constructor(
    readonly code: RingErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
