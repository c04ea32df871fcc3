import type { Socket } from 'node:net';
import { RingError } from '../errors.js';
import { layoutOf, shareOf } from './layout.js';
import { MessageReader, sendMessage } from './message-stream.js';
import { asRequest, type Join, type Reply, type Request, type Unsent } from './messages.js';
import { type Member, ServedModel, type ServerPlace } from './served-model.js';

/** Answers one worker's requests about one model, until its connection closes or brings what is no request. */
export function serveWorker(
  stream: Socket,
  worker: number,
  models: Map<string, ServedModel>,
  place: ServerPlace,
): void {
  const memory = new Payloads(place);
  let model: ServedModel | undefined;
  const member: Member = {
    worker,
    answer: (reply: Unsent<Reply>, payload) => {
      if (stream.writable) sendMessage(stream, reply, payload);
    },
  };
  const handle = async (request: Request, payload: Uint8Array): Promise<void> => {
    const values = new Float32Array(payload.buffer, payload.byteOffset, payload.byteLength / 4);
    if (request.kind === 'join') {
      model = modelOf(request, worker, models, place);
      await model.join(member, request, values);
    } else if (model === undefined) throw new RingError('RING_HANDSHAKE', `${request.kind} before join`);
    else if (request.kind === 'push') model.push(member, values, request.learningRate);
    else if (request.kind === 'pull') model.pull(member);
    else if (request.kind === 'state') await model.state(member);
    else model.leave(member);
  };
  const onMessage = (request: Request, payload: Uint8Array) => {
    handle(request, payload).catch((error: unknown) => {
      if (!(error instanceof RingError)) throw error;
      if (request.kind === 'state') member.answer({ kind: 'error', code: error.code, message: error.message });
      else if (model !== undefined) model.fail(error);
      else stream.destroy();
    });
  };
  const reader = new MessageReader(asRequest, (request) => memory.placeOf(request), onMessage);
  stream.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch {
      stream.destroy(); // what follows cannot be read
    }
  });
  stream.once('close', () => model?.lost(member));
}

function modelOf(join: Join, worker: number, models: Map<string, ServedModel>, place: ServerPlace): ServedModel {
  const model = models.get(join.model) ?? new ServedModel({ ...join, worker }, place);
  models.set(join.model, model);
  return model;
}

/** Where a worker's payloads go: gradients always to the same memory, as the one before is used up when the next one comes. */
class Payloads {
  private gradient: Uint8Array | undefined;
  private readonly none = new Uint8Array(0);

  constructor(private readonly place: ServerPlace) {}

  /** Refused, by its length, is what does not fit the model that the worker has joined with. */
  placeOf(request: Request): Uint8Array {
    if (request.kind === 'join') {
      const { server, servers } = this.place;
      const { length } = shareOf(layoutOf(request.variables).length, server, servers);
      this.gradient = new Uint8Array(4 * length);
      return request.slots === undefined ? this.none : new Uint8Array(4 * length * (1 + request.slots.length));
    }
    return request.kind === 'push' ? (this.gradient ?? this.none) : this.none;
  }
}
