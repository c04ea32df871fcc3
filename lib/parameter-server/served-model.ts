import { RingError } from '../errors.js';
import { Clocks } from './clocks.js';
import { differenceOf, layoutOf, shareOf } from './layout.js';
import { bytesOf } from './message-stream.js';
import type { Join, Reply, Unsent } from './messages.js';
import { Share } from './share.js';

/** A worker's connection, as its model sees it. */
export interface Member {
  readonly worker: number;
  readonly answer: (reply: Unsent<Reply>, payload?: readonly Uint8Array[]) => void;
}

export interface ServerPlace {
  readonly server: number;
  readonly servers: number;
  /** Of the job; each is expected to train every model. */
  readonly workers: number;
  /** How long a worker may wait for others. */
  readonly timeoutMs: number;
}

/** A worker that waits for its answer. */
interface Waiting {
  readonly member: Member;
  readonly timer: NodeJS.Timeout;
}

/** The gradient of one worker's step, while others' are waited for. It lies in the connection's memory. */
interface Pushed {
  readonly worker: number;
  readonly gradient: Float32Array;
  readonly learningRate: number;
}

/**
 * One model on one server: its share, and the workers that train it. Steps are made as gradients come, or, with `sync`, one with the mean of all
 * workers' gradients once they are there. The first worker, the chief, says how training begins.
 *
 * When a worker is lost, or one waits for too long, training is over, for all with the same error.
 */
export class ServedModel {
  private readonly members = new Map<number, Member>();
  private readonly waiting = new Map<number, Waiting>();
  private readonly clocks: Clocks;
  /** Workers that have come; each does so once. */
  private readonly known = new Set<number>();
  private begunAt = 0;
  private pushed: Pushed[] = [];
  private share: Share | undefined;
  private failure: RingError | undefined;

  /** @param first - of the worker that came first, with which all others must agree */
  constructor(
    private readonly first: Join & { readonly worker: number },
    private readonly place: ServerPlace,
  ) {
    this.clocks = new Clocks(place.workers, first.maxStaleness ?? Infinity);
  }

  /** How many elements of the model this server holds. */
  get length(): number {
    const { server, servers } = this.place;
    return shareOf(layoutOf(this.first.variables).length, server, servers).length;
  }

  /** @param payload - the chief's share of the weights, then of each slot */
  async join(member: Member, join: Join, payload: Float32Array): Promise<void> {
    const { worker } = member;
    if (this.known.has(worker)) {
      const message = `${this.who}: rank ${worker} has or had another optimizer of this name; give each its own`;
      member.answer({ kind: 'error', code: 'RING_DUPLICATE_NAME', message });
      return;
    }
    this.known.add(worker);
    this.members.set(worker, member);
    if (this.refuses(member)) return;
    const difference = this.differs(worker, join);
    if (difference !== undefined) {
      this.fail(difference);
      return;
    }
    if (join.slots !== undefined) await this.begin(member, join, payload);
    else if (this.share === undefined) this.hold(member);
    else this.answerWeights(member, this.share);
  }

  /** @param gradient - of the share; left alone by its owner until this worker has its answer */
  push(member: Member, gradient: Float32Array, learningRate: number): void {
    if (this.refuses(member) || this.share === undefined) return;
    const { worker } = member;
    this.hold(member);
    this.clocks.tick(worker);
    this.pushed.push({ worker, gradient, learningRate });
    this.goOn(this.share);
  }

  pull(member: Member): void {
    if (this.refuses(member) || this.share === undefined) return;
    this.answerWeights(member, this.share);
  }

  async state(member: Member): Promise<void> {
    if (this.refuses(member) || this.share === undefined) return;
    const weights = this.share.weights();
    const { iterations, slots } = await this.share.state();
    const parts = [weights, ...slots.map(({ values }) => values)].map(bytesOf);
    member.answer({ kind: 'state', iterations, slots: slots.map(({ name }) => name) }, parts);
  }

  leave(member: Member): void {
    const { worker, answer } = member;
    this.members.delete(worker);
    this.clocks.leave(worker);
    answer({ kind: 'left' });
    if (this.share !== undefined && this.failure === undefined) this.goOn(this.share);
  }

  /** The connection was closed. */
  lost(member: Member): void {
    if (this.members.get(member.worker) !== member) return; // it has left, or never was let in
    this.members.delete(member.worker);
    this.fail(
      new RingError('RING_PEER_LOST', `${this.who}: rank ${member.worker} closed its connection in the middle`),
    );
  }

  fail(error: RingError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
    for (const member of this.members.values()) this.refuses(member);
  }

  private async begin(member: Member, { slots = [], iterations = 0 }: Join, payload: Float32Array): Promise<void> {
    const part = (index: number) => payload.subarray(index * this.length, (index + 1) * this.length);
    const share = new Share(this.first.model, this.first.optimizer, part(0));
    const named = slots.map((name, index) => ({ name, values: part(index + 1) }));
    if (iterations > 0) await share.restore({ iterations, slots: named });
    this.share = share;
    this.begunAt = iterations;
    this.answerWeights(member, share);
    this.release(() => true); // those that have joined before: nobody can have made a step yet
  }

  /** Makes the steps that can be made, and answers those whose next step may begin. */
  private goOn(share: Share): void {
    if (this.first.sync) {
      const all = this.clocks.training().every((worker) => this.pushed.some((one) => one.worker === worker));
      if (!all || this.pushed.length === 0) return;
      this.step(share, this.pushed.splice(0));
      this.release(() => true);
    } else {
      for (const one of this.pushed.splice(0)) this.step(share, [one]);
      this.release((worker) => this.clocks.behind(worker).length === 0);
    }
  }

  private step(share: Share, pushed: readonly Pushed[]): void {
    const inOrder = [...pushed].sort((a, b) => a.worker - b.worker); // sums then have the same bits from run to run
    share.step(
      inOrder.map(({ gradient }) => gradient),
      inOrder[0]!.learningRate,
    );
  }

  private hold(member: Member): void {
    const { timeoutMs } = this.place;
    const timer = setTimeout(() => this.fail(this.overdue(member.worker)), timeoutMs);
    this.waiting.set(member.worker, { member, timer });
  }

  private release(mayGoOn: (worker: number) => boolean): void {
    for (const [worker, { member, timer }] of this.waiting) {
      if (!mayGoOn(worker)) continue;
      clearTimeout(timer);
      this.waiting.delete(worker);
      this.answerWeights(member, this.share!);
    }
  }

  private answerWeights({ answer }: Member, share: Share): void {
    answer({ kind: 'weights', iterations: this.begunAt }, [bytesOf(share.weights())]);
  }

  /** After a failure every request has it as its answer. */
  private refuses({ answer }: Member): boolean {
    if (this.failure === undefined) return false;
    const { code, message } = this.failure;
    answer({ kind: 'error', code, message });
    return true;
  }

  private overdue(worker: number): RingError {
    const others =
      this.share === undefined
        ? [0]
        : this.first.sync
          ? this.clocks.training().filter((one) => !this.pushed.some((push) => push.worker === one))
          : this.clocks.behind(worker);
    const who = others.length === 1 ? `rank ${others.join()}` : `ranks ${others.join(', ')}`;
    return new RingError(
      'RING_TIMEOUT',
      `${this.who}: rank ${worker} has waited ${this.place.timeoutMs} ms for ${who}; do all ranks make as many steps, ` +
        'or call leave() after their last? (TSRING_TIMEOUT_MS)',
    );
  }

  private differs(worker: number, join: Join): RingError | undefined {
    const { first } = this;
    const mismatch = (what: string) =>
      new RingError('RING_MISMATCH', `${this.who}: ${what}; same script on all ranks?`);
    const [here, there] = [`on rank ${worker}`, `on rank ${first.worker}`];
    const difference = differenceOf([here, join.variables], [there, first.variables]);
    if (difference !== undefined) return mismatch(difference);
    for (const name of ['optimizer', 'sync', 'maxStaleness'] as const) {
      const [own, other] = [settingOf(join, name), settingOf(first, name)];
      if (own !== other) return mismatch(`${name} is ${own} ${here} and ${other} ${there}`);
    }
    return undefined;
  }

  private get who(): string {
    return `parameter server ${this.place.server}, ${this.first.model}`;
  }
}

/** In words. The configuration of optimizers may differ, as the learning rate does; the chief's counts. */
function settingOf(join: Join, name: 'optimizer' | 'sync' | 'maxStaleness'): string {
  return name === 'optimizer' ? join.optimizer.className : String(join[name] ?? Infinity);
}
