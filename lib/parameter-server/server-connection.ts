import type { Socket } from 'node:net';
import { RingError } from '../errors.js';
import type { Answer } from './link-calls.js';
import { MessageReader, sendMessage } from './message-stream.js';
import { asReply, type Reply, type Request, type Unsent } from './messages.js';

/** One rank's connection to one parameter server: one request at a time. Once it is broken, it stays so, for the same reason. */
export class ServerConnection {
  private pending: { resolve: (answer: Answer) => void; reject: (error: RingError) => void } | undefined;
  private failure: RingError | undefined;

  /**
   * @param name - of the server, for messages
   * @param place - where weights go: the server's share of them
   */
  constructor(
    private readonly stream: Socket,
    private readonly name: string,
    private readonly place: Uint8Array,
    private readonly timeoutMs: number,
  ) {
    const reader = new MessageReader(
      asReply,
      (reply) => (reply.kind === 'weights' ? this.place : new Uint8Array(reply.bytes)),
      (reply, payload) => this.receive(reply, payload),
    );
    stream.setKeepAlive(true, 10_000);
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.fail(error instanceof RingError ? error : new RingError('RING_INTERNAL', String(error)));
        stream.destroy();
      }
    });
    stream.on('error', (error) => this.fail(this.lost(error.message)));
    stream.on('close', () => this.fail(this.lost('it closed the connection')));
    if (stream.destroyed) this.fail(this.lost('it closed the connection'));
  }

  /** @throws {RingError} as the server answers; `RING_PEER_LOST`; `RING_TIMEOUT` */
  async ask(request: Unsent<Request>, payload: readonly Uint8Array[]): Promise<Answer> {
    if (this.failure !== undefined) throw this.failure;
    const answer = new Promise<Answer>((resolve, reject) => (this.pending = { resolve, reject }));
    const timer = setTimeout(() => {
      this.fail(new RingError('RING_TIMEOUT', `${this.name} has not answered within ${this.timeoutMs} ms`));
    }, this.timeoutMs);
    sendMessage(this.stream, request, payload);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.pending = undefined;
    }
  }

  close(): void {
    this.stream.destroy();
  }

  private receive(reply: Reply, payload: Uint8Array): void {
    if (reply.kind !== 'error') this.pending?.resolve({ reply, payload });
    else if (this.pending === undefined) this.failure ??= new RingError(reply.code, reply.message);
    else this.pending.reject(new RingError(reply.code, reply.message));
  }

  private fail(error: RingError): void {
    this.failure ??= error;
    this.pending?.reject(this.failure);
  }

  private lost(why: string): RingError {
    return new RingError('RING_PEER_LOST', `${this.name} is lost: ${why}`);
  }
}
