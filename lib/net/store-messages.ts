/** What a client asks of the store. `wait` answers once the key is set, `get` at once. */
export interface StoreRequest {
  readonly id: number;
  readonly op: 'set' | 'get' | 'wait';
  readonly key: string;
  /** Only for `set`. */
  readonly value?: string;
  /** Only for `wait`. */
  readonly timeoutMs?: number;
}

export interface StoreReply {
  readonly id: number;
  /** Absent for `set`, and for `get` of a key that nobody has set. */
  readonly value?: string;
  readonly error?: string;
}

/** Longest wait a client may ask for: what a timer holds. */
const maxTimeoutMs = 2 ** 31 - 1;

export function isStoreRequest(message: unknown): message is StoreRequest {
  if (!isRecord(message)) return false;
  const { id, op, key, value, timeoutMs } = message;
  if (!Number.isSafeInteger(id) || typeof key !== 'string') return false;
  if (op === 'set') return typeof value === 'string';
  if (op === 'wait') return typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs <= maxTimeoutMs;
  return op === 'get';
}

export function isStoreReply(message: unknown): message is StoreReply {
  if (!isRecord(message)) return false;
  const { id, value, error } = message;
  return Number.isSafeInteger(id) && isOptionalString(value) && isOptionalString(error);
}

function isRecord(message: unknown): message is Record<string, unknown> {
  return typeof message === 'object' && message !== null;
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}
