import type { Socket } from 'node:net';
import { RingError } from '../errors.js';
import { encodeFrame, FrameReader } from './frames.js';
import { isStoreRequest, type StoreReply, type StoreRequest } from './store-messages.js';
import type { StoreTable } from './store-table.js';

/** Answers the requests of one proven member, until its socket closes or says something that is no request. */
export function serveMember(socket: Socket, table: StoreTable): void {
  const reader = new FrameReader();
  const waits = new Set<() => void>();
  socket.once('close', () => {
    for (const cancel of waits) cancel();
  });
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const message of reader.push(chunk)) {
        if (!isStoreRequest(message)) throw new RingError('RING_HANDSHAKE', 'not a store request');
        answer(message, table, waits, (reply) => {
          if (socket.writable) socket.write(encodeFrame(reply));
        });
      }
    } catch {
      socket.destroy(); // what follows a broken frame cannot be read
    }
  });
}

function answer(
  { id, op, key, value, timeoutMs }: StoreRequest,
  table: StoreTable,
  waits: Set<() => void>,
  reply: (message: StoreReply) => void,
): void {
  const stored = table.get(key);
  if (op === 'set') {
    table.set(key, value ?? '');
    reply({ id });
  } else if (stored !== undefined) {
    reply({ id, value: stored });
  } else if (op === 'get') {
    reply({ id });
  } else {
    const timer = setTimeout(() => {
      cancel();
      reply({ id, error: 'timeout' });
    }, timeoutMs);
    const forget = table.wait(key, (found) => {
      cancel();
      reply({ id, value: found });
    });
    const cancel = () => {
      clearTimeout(timer);
      forget();
      waits.delete(cancel);
    };
    waits.add(cancel);
  }
}
