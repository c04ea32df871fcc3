import * as tf from '@tensorflow/tfjs-core';
import { checkedRoot, invalid } from '../arguments.js';
import type { ActiveSession } from '../active-session.js';
import { allgather, groupedAllgatherSync } from '../collectives.js';
import { sessionOf } from '../process-set.js';
import type { MaybeGradient } from './gradient-accumulator.js';
import { slotsOf, type Slot } from './optimizer-slots.js';
import { ownRange, ownShard, type Place } from './own-shard.js';
import { within, type WithProcessSet } from './within.js';

/** A variable of the last step, and whether ranks share its state. */
interface Stepped {
  readonly name: string;
  readonly shape: number[];
  readonly shared: boolean;
}

/** The optimizer's own methods that what follows is built on. */
export type StateMethods = Pick<tf.Optimizer, 'applyGradients' | 'getWeights' | 'setWeights'>;

/** As `getWeights` gives them. */
export type NamedTensors = Awaited<ReturnType<tf.Optimizer['getWeights']>>;

const where = 'DistributedOptimizer';
const mark = '/of this rank';

/**
 * Steps of an optimizer whose state is spread over the ranks: each rank has it for its shard of every variable, a run of elements, updates that
 * shard, and gets the others' from the others. (Stage 1 of Rajbhandari et al., ZeRO: Memory Optimizations Toward Training Trillion Parameter
 * Models, 2020.)
 *
 * During a step the optimizer is given the shards as variables of their own; so what it remembers of them has their size.
 */
export class ShardedState {
  /** Of the last step, in its order: of each list of slots, slot i is of variable i. */
  private stepped: readonly Stepped[] = [];
  /** Set while slots are shards. */
  private place: Place | undefined;
  private named: { readonly session: ActiveSession; readonly name: string } | undefined;
  /** Whole slots, by their shards, once they were gathered, until the next step. */
  private readonly whole = new Map<tf.Variable, tf.Variable>();

  constructor(
    private readonly optimizer: tf.Optimizer,
    private readonly own: StateMethods,
    private readonly options: WithProcessSet,
  ) {}

  /**
   * One step. Blocks until the weights are the same on all ranks again.
   *
   * @param gradients - of variables that ranks share, the reduced gradient of this rank's shard; of others as they are
   */
  step(session: ActiveSession, gradients: readonly (MaybeGradient & { readonly shared: boolean })[]): void {
    this.forgetWhole();
    this.checkPlace(session.config);
    this.place = { rank: session.config.rank, size: session.config.size };
    this.stepped = gradients.map(({ name, shared }) => ({ name, shared, shape: variableOf(name).shape }));
    this.shardSlots(this.place);
    const place = this.place;
    const shared = this.stepped.filter((one) => one.shared);
    const shards = shared.map(({ name }) =>
      tf.tidy(() => tf.variable(ownShard(variableOf(name), place), true, `${name}${mark}`)),
    );
    try {
      const given = gradients.map(({ name, tensor, shared }) => ({ name: shared ? `${name}${mark}` : name, tensor }));
      this.own.applyGradients(given as NamedTensors);
      tf.tidy(() => this.spread(session, shared, shards));
    } finally {
      shards.forEach((shard) => shard.dispose());
    }
  }

  /**
   * Gathers the whole state on one rank, the first unless given, for a checkpoint; every rank makes the call. Until the next step `getWeights`, and so `model.save`
   * with `includeOptimizer`, gives it there.
   */
  async consolidate(rootRank?: number): Promise<void> {
    const session = sessionOf('consolidateState', this.options.processSet);
    const root = checkedRoot('consolidateState', rootRank ?? session.ranks[0]!, session.ranks);
    this.forgetWhole();
    if (this.place === undefined) return;
    this.checkPlace(session.config);
    const isRoot = session.ranks[session.config.rank] === root;
    const name = session.nextName('consolidateState');
    const slots = this.slots().filter(({ of }) => of.shared);
    for (const [index, { slot, of }] of slots.entries()) {
      const gathered = await allgather(slot.variable, { ...within(this.options), name: `${name}.${index}` });
      if (isRoot)
        this.whole.set(
          slot.variable,
          tf.tidy(() => tf.variable(tf.reshape(gathered, of.shape), false)),
        );
      gathered.dispose();
    }
  }

  /** As the optimizer gives it alone. @throws {RingError} `RING_INVALID_ARGUMENT` where this rank has but its part of it */
  async getWeights(): Promise<NamedTensors> {
    const slots = this.place === undefined ? [] : this.slots().filter(({ of }) => of.shared);
    if (slots.some(({ slot }) => !this.whole.has(slot.variable))) {
      throw invalid(
        where,
        `the optimizer's state is spread over ${this.place!.size} ranks; before it is saved, call await optimizer.consolidateState() on all ` +
          'of them, which brings it to rank 0',
      );
    }
    const shards = slots.map(({ slot }) => ({ slot, shard: slot.variable }));
    shards.forEach(({ slot, shard }) => (slot.variable = this.whole.get(shard)!));
    try {
      const weights = await this.own.getWeights();
      return weights.map(({ name, tensor }) => ({ name: name.replace(mark, ''), tensor }));
    } finally {
      shards.forEach(({ slot, shard }) => (slot.variable = shard));
    }
  }

  /** Takes the whole state; the next step shares it out. */
  async setWeights(weights: NamedTensors): Promise<void> {
    const shards = this.place === undefined ? [] : this.slots().filter(({ of }) => of.shared);
    const variables = shards.map(({ slot }) => slot.variable);
    await this.own.setWeights(weights);
    tf.dispose(variables);
    this.forgetWhole();
    this.place = undefined;
  }

  private checkPlace({ rank, size }: Place): void {
    if (this.place === undefined || (this.place.rank === rank && this.place.size === size)) return;
    throw invalid(
      where,
      `the optimizer's state was spread over ${this.place.size} ranks, as rank ${this.place.rank}, and this is rank ${rank} of ${size}; call ` +
        'consolidateState before the ring is left, and give all ranks the state with setWeights or broadcastOptimizerState in the new one',
    );
  }

  /** Slots that are whole (of an optimizer that was loaded, or has stepped alone) become shards. */
  private shardSlots(place: Place): void {
    for (const { slot, of } of this.slots()) {
      const { variable } = slot;
      const { length } = ownRange(variable.size, place);
      if (!of.shared || !tf.util.arraysEqual(variable.shape, of.shape)) continue;
      if (variable.rank === 1 && variable.size === length) continue; // all of it is this rank's
      slot.variable = tf.tidy(() => tf.variable(ownShard(variable, place), false));
      variable.dispose();
    }
  }

  private slots(): { slot: Slot; of: Stepped }[] {
    return slotsOf(this.optimizer).flatMap((slots) =>
      slots.flatMap((slot, index) => {
        const of = this.stepped[index];
        return of === undefined ? [] : [{ slot, of }];
      }),
    );
  }

  private spread(session: ActiveSession, shared: readonly Stepped[], shards: readonly tf.Variable[]): void {
    if (shards.length === 0) return;
    const gathered = groupedAllgatherSync(shards, { ...within(this.options), name: this.nameIn(session) });
    shared.forEach(({ name, shape }, index) => variableOf(name).assign(tf.reshape(gathered[index]!, shape)));
  }

  /** The same at each step, so that ranks agree on what they know. */
  private nameIn(session: ActiveSession): string {
    if (this.named?.session !== session) this.named = { session, name: session.nextName(`${where}.weights`) };
    return this.named.name;
  }

  private forgetWhole(): void {
    this.whole.forEach((variable) => variable.dispose());
    this.whole.clear();
  }
}

function variableOf(name: string): tf.Variable {
  const variable = tf.engine().registeredVariables[name];
  if (variable !== undefined) return variable;
  throw invalid(where, `there is no variable named ${JSON.stringify(name)}`);
}
