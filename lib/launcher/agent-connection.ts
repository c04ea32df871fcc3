import { RingError } from '../errors.js';
import { encodeFrame, FrameReader } from '../net/frames.js';
import type { AgentLink } from './agent-link.js';
import { type AgentCalls, agentGreeting, type FromAgent, type ToAgent } from './agent-messages.js';

interface Handlers {
  readonly silenceMs: number;
  readonly onEvent: (message: FromAgent) => void;
  readonly onSilence: () => void;
  readonly onBadFrame: (why: string) => void;
}

/** How much a shell's start-up files may print before the agent's greeting. */
const maxPreambleBytes = 1 << 20;

/** tsrun's end of the talk with an agent, over whatever link leads there. */
export class AgentConnection {
  private readonly pending = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: RingError) => void }
  >();
  private readonly reader = new FrameReader();
  private preamble: Buffer | undefined = Buffer.alloc(0);
  private nextId = 0;
  private silence: NodeJS.Timeout | undefined;
  private readonly alive: NodeJS.Timeout;

  constructor(
    private readonly link: AgentLink,
    private readonly handlers: Handlers,
  ) {
    link.fromAgent.on('data', (chunk: Buffer) => this.receive(chunk));
    this.alive = setInterval(() => this.send({ kind: 'alive' }), handlers.silenceMs / 4);
  }

  ask<C extends keyof AgentCalls>(call: C, ask: AgentCalls[C]['ask']): Promise<AgentCalls[C]['answer']> {
    const id = this.nextId++;
    this.send({ kind: 'call', id, call, ask });
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
    });
  }

  send(message: ToAgent): void {
    if (this.link.toAgent.writable) this.link.toAgent.write(encodeFrame(message));
  }

  /** Whatever waits for an answer gets this. */
  fail(error: RingError): void {
    this.stopTimers();
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }

  close(): void {
    this.stopTimers();
    this.link.toAgent.end();
  }

  private receive(chunk: Buffer): void {
    this.listen();
    try {
      for (const message of this.reader.push(this.behindGreeting(chunk))) this.dispatch(message as FromAgent);
    } catch (error) {
      this.handlers.onBadFrame(error instanceof Error ? error.message : String(error));
    }
  }

  private behindGreeting(chunk: Buffer): Buffer {
    if (this.preamble === undefined) return chunk;
    const all = Buffer.concat([this.preamble, chunk]);
    const greeting = `${agentGreeting}\n`;
    const at = all.indexOf(greeting);
    if (at < 0 && all.length > maxPreambleBytes)
      throw new RingError('RING_LAUNCH', 'it prints, but is no agent of tsrun');
    this.preamble = at < 0 ? all : undefined;
    return at < 0 ? Buffer.alloc(0) : all.subarray(at + greeting.length);
  }

  private dispatch(message: FromAgent): void {
    if (message.kind !== 'answer' && message.kind !== 'refusal') {
      this.handlers.onEvent(message);
      return;
    }
    const waiting = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.answer);
    else waiting?.reject(new RingError(message.code, message.message));
  }

  /** We have heard from the agent: it has the whole time again. */
  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(this.handlers.onSilence, this.handlers.silenceMs);
  }

  private stopTimers(): void {
    clearInterval(this.alive);
    clearTimeout(this.silence);
    this.listen = () => undefined;
  }
}
