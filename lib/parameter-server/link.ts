import { existsSync } from 'node:fs';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { RingError } from '../errors.js';
import type { Answer, LinkCall, LinkData, LinkResult, LinkSettings } from './link-calls.js';

/**
 * The link of one model's training to all parameter servers, with calls that block. A thread does the talking; weights and gradients lie in
 * memory that both threads share.
 */
export class Link {
  /** All weights, or all gradients, as the layout has them. */
  readonly values: Float32Array;
  private readonly signal = new Int32Array(new SharedArrayBuffer(4));
  private readonly port: MessagePort;
  private readonly thread: Worker;
  private failure: RingError | undefined;
  private calls = 0;

  /** @param length - elements of the model */
  constructor(
    length: number,
    private readonly settings: LinkSettings,
  ) {
    const values = new SharedArrayBuffer(4 * length);
    this.values = new Float32Array(values);
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const data: LinkData = { ...settings, signal: this.signal.buffer, values, port: port2 };
    const program = new URL('link-thread.js', import.meta.url);
    if (!existsSync(program))
      throw new RingError('RING_UNSUPPORTED', `parameter servers need tsring compiled: no ${program.pathname}`);
    this.thread = new Worker(program, { workerData: data, transferList: [port2] });
    this.thread.unref();
    this.thread.on('error', () => undefined); // who waits for it is told by its silence
  }

  /**
   * One request to each server, and what they answered; weights are in `values` then.
   *
   * @throws {RingError} what a server answers or the link ends with; after that every call throws it
   */
  call(call: LinkCall): readonly Answer[] {
    if (this.failure !== undefined) throw this.failure;
    const result = this.exchange(call, this.deadlineMs());
    if ('answers' in result) return result.answers;
    const error = new RingError(result.code, result.message);
    if (result.broken) this.end(error);
    throw error;
  }

  /** Tells the servers that no more steps come, and ends the thread. Where they cannot be told within `timeoutMs` they see the link end. */
  close(timeoutMs: number): void {
    if (this.failure === undefined) this.exchange({ request: { kind: 'leave' }, withValues: false }, timeoutMs);
    this.end(new RingError('RING_SHUT_DOWN', 'the optimizer has left its parameter servers; make a new one'));
  }

  private end(reason: RingError): void {
    this.failure ??= reason;
    void this.thread.terminate();
  }

  private exchange(call: LinkCall, timeoutMs: number): LinkResult {
    Atomics.store(this.signal, 0, 0);
    this.port.postMessage(call);
    const deadline = performance.now() + timeoutMs;
    // The notice of the call before may come late, and wake us up.
    for (
      let leftMs = timeoutMs;
      Atomics.load(this.signal, 0) === 0 && leftMs > 0;
      leftMs = deadline - performance.now()
    )
      Atomics.wait(this.signal, 0, 0, leftMs);
    const received = receiveMessageOnPort(this.port) as { message: LinkResult } | undefined;
    const message = `the thread that speaks with the parameter servers has been silent for ${timeoutMs} ms`;
    return received?.message ?? { code: 'RING_INTERNAL', message, broken: true };
  }

  /** The thread has deadlines of its own, which say more; this one is for a thread that has died. */
  private deadlineMs(): number {
    const { startTimeoutMs, timeoutMs } = this.settings;
    return (this.calls++ === 0 ? startTimeoutMs : 0) + timeoutMs + 30_000;
  }
}
