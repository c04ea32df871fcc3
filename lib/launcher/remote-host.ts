import { RingError } from '../errors.js';
import type { AgentCalls, FromAgent, Orders } from './agent-messages.js';
import { AgentConnection } from './agent-connection.js';
import type { AgentLink } from './agent-link.js';
import type { HostFacts } from './host-facts.js';
import type { HowToStop, JobHost, RankProcess, RankStart } from './job-host.js';
import type { ProbeTarget, Reached } from './probe.js';
import { RemoteRank } from './remote-rank.js';

export interface RemoteOptions {
  readonly orders: Orders;
  /** For all until the host has told what it is. */
  readonly timeoutMs: number;
  /** Called with each line that the agent, or what leads to it, prints for people. */
  readonly onComplaint: (line: string) => void;
}

/** Beyond the grace, for what the kernel takes to end a killed process. */
const stopSlackMs = 12_000;
/** How long the link may take to end after the agent was let go. */
const farewellMs = 5000;

/** Another host, reached through an agent there. */
export class RemoteHost implements JobHost {
  /**
   * @param link - is ours from here on
   * @throws RING_LAUNCH with how the link was made and what was said, if it breaks or no agent answers; RING_TIMEOUT if it takes too long
   */
  static async connect(name: string, link: AgentLink, options: RemoteOptions): Promise<RemoteHost> {
    const host = new RemoteHost(name, link, options);
    const timer = setTimeout(
      () => host.giveUp('RING_TIMEOUT', `no answer within ${options.timeoutMs} ms`),
      options.timeoutMs,
    );
    try {
      host.known = await host.ask('begin', options.orders);
      host.hasBegun = true;
      return host;
    } catch (error) {
      link.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  readonly lost: Promise<RingError>;
  private known: HostFacts | undefined;
  private hasBegun = false;
  private isClosing = false;
  private readonly ranks = new Map<number, RemoteRank>();
  private readonly connection: AgentConnection;
  private loss: RingError | undefined;
  private complaints = '';
  private declareLost: (error: RingError) => void = () => undefined;

  private constructor(
    readonly name: string,
    private readonly link: AgentLink,
    private readonly options: RemoteOptions,
  ) {
    this.lost = new Promise((resolve) => (this.declareLost = resolve));
    this.connection = new AgentConnection(link, {
      silenceMs: options.orders.silenceMs,
      onEvent: (message) => this.hear(message),
      onSilence: () => this.giveUp('RING_PEER_LOST', `it has been silent for ${options.orders.silenceMs} ms`),
      onBadFrame: (why) => this.giveUp('RING_LAUNCH', why),
    });
    link.complaints?.setEncoding('utf8').on('data', (text: string) => this.complain(text));
    void link.ended.then((why) => this.giveUp('RING_PEER_LOST', why));
  }

  get facts(): HostFacts {
    return this.known!; // nobody has us before `connect` has them
  }

  listenForProbes(): Promise<{ readonly port: number; readonly word: string }> {
    return this.ask('listenForProbes', null);
  }

  async probe(targets: readonly ProbeTarget[], timeoutMs: number): Promise<Reached[]> {
    return [...(await this.ask('probe', { targets, timeoutMs }))];
  }

  endProbes(): void {
    this.connection.send({ kind: 'endProbes' });
  }

  async start(starts: readonly RankStart[]): Promise<{ ranks: RankProcess[]; failure?: RingError }> {
    const settled = await Promise.allSettled(starts.map((start) => this.startOne(start)));
    const ranks: RankProcess[] = [];
    let failure: RingError | undefined;
    for (const start of settled) {
      if (start.status === 'fulfilled') ranks.push(start.value);
      else if (start.reason instanceof RingError) failure ??= start.reason;
      else throw start.reason;
    }
    return { ranks, ...(failure === undefined ? {} : { failure }) };
  }

  async stop({ signal, graceMs, hurry }: HowToStop): Promise<number> {
    if (this.loss) return 0; // its agent ends the ranks when it notices
    const hasten = () => this.connection.send({ kind: 'hurry' });
    if (hurry.aborted) hasten();
    hurry.addEventListener('abort', hasten);
    const late = setTimeout(() => this.giveUp('RING_TIMEOUT', 'it does not stop its ranks'), graceMs + stopSlackMs);
    try {
      return await this.ask('stop', { signal, graceMs });
    } catch {
      return 0; // lost meanwhile, which `lost` tells
    } finally {
      clearTimeout(late);
      hurry.removeEventListener('abort', hasten);
    }
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.connection.close();
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.link.kill();
        resolve();
      }, farewellMs);
    });
    await Promise.race([this.link.ended, overdue]);
    clearTimeout(timer);
  }

  /** The agent sees the end of its input. */
  abandon(): void {
    this.isClosing = true;
    this.connection.close();
    this.link.unref();
  }

  private async startOne(start: RankStart): Promise<RankProcess> {
    const rank = new RemoteRank(start.placement, (stream, bytes) =>
      this.connection.send({ kind: 'taken', rank: start.placement.rank, stream, bytes }),
    );
    this.ranks.set(start.placement.rank, rank); // its output may be here before the answer is
    try {
      const { pid } = await this.ask('start', start);
      return rank.started(pid);
    } catch (error) {
      this.ranks.delete(start.placement.rank);
      throw error;
    }
  }

  private async ask<C extends keyof AgentCalls>(call: C, ask: AgentCalls[C]['ask']): Promise<AgentCalls[C]['answer']> {
    this.refuseIfLost();
    try {
      return await this.connection.ask(call, ask);
    } catch (error) {
      this.refuseIfLost();
      if (!(error instanceof RingError)) throw error;
      throw new RingError(error.code, `host ${this.name}: ${error.message}`, { cause: error });
    }
  }

  private refuseIfLost(): void {
    if (this.loss) throw this.loss;
  }

  private hear(message: FromAgent): void {
    if (message.kind === 'output')
      this.ranks.get(message.rank)?.output(message.stream, Buffer.from(message.data, 'base64'));
    else if (message.kind === 'exit') this.ranks.get(message.exit.rank)?.ended(message.exit);
    else if (message.kind === 'lost') this.giveUp('RING_LAUNCH', message.message);
  }

  private complain(text: string): void {
    const lines = (this.complaints + text).split('\n');
    if (!this.hasBegun) {
      this.complaints += text;
      return;
    }
    this.complaints = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.options.onComplaint(line.trimEnd());
  }

  /** From here on the host is lost: whatever waits for it ends, and its ranks count as dead. */
  private giveUp(code: 'RING_LAUNCH' | 'RING_TIMEOUT' | 'RING_PEER_LOST', why: string): void {
    if (this.loss || this.isClosing) return;
    const said = inOneLine(this.complaints);
    const told = said === '' ? '' : `: ${said}`;
    this.loss = this.hasBegun
      ? new RingError(code, `host ${this.name} is lost: ${why}${told}`)
      : new RingError(
          code === 'RING_PEER_LOST' ? 'RING_LAUNCH' : code,
          `host ${this.name}: ${why}${told} (${this.link.origin})`,
        );
    this.declareLost(this.loss);
    this.connection.fail(this.loss);
    for (const rank of this.ranks.values()) rank.abandon();
    this.link.kill();
  }
}

/** What was said last; of what Node says when it dies, what comes before the stack. */
function inOneLine(complaints: string): string {
  const error = /^\w*Error(?: \[\w+\])?: .*$/m.exec(complaints)?.[0];
  return error ?? complaints.trim().split(/\s*\n/).slice(-5).join('; ');
}
