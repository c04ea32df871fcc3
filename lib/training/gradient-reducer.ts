import * as tf from '@tensorflow/tfjs-core';
import { broadcastSync, groupedAllreduceSync, openGroupedAllreduce } from '../collectives.js';
import type { OpenReduction } from '../collectives/reduced-steps.js';
import { abandon, finishAll, type UnderWay } from '../collectives/under-way.js';
import type { ActiveSession } from '../active-session.js';
import { logDebug } from '../log.js';
import { onOneHost } from '../places.js';
import { planBuckets, planGroups, planNamed, usualBucketBytes } from './bucket-plan.js';
import { chooseOverlap } from './choose-overlap.js';
import { EarlyReduction } from './early-reduction.js';
import { prescaled, rescaled } from './predivide.js';
import { optionsOf, splits, startBucket, type Buckets } from './reduce-bucket.js';
import type { ReduceSettings } from './reduce-settings.js';
import { checkSameVariablesSync, type VariableShape } from './same-variables.js';
import { within } from './within.js';

export interface NamedGradient {
  readonly name: string;
  readonly tensor: tf.Tensor;
}

/** Reduces one model's gradients step after step, under a name of its own, which every session gives anew. */
export class GradientReducer {
  private session: ActiveSession | undefined;
  private name = '';
  private overlap = false;
  /** Of the variables that all ranks have agreed on. */
  private signature = '';
  /** Indices of those variables by bucket, in the order of reduction. */
  private plan: number[][] = [];

  /** @param kind - names it: reducers of one kind are numbered in the order of their first steps */
  constructor(
    private readonly kind: string,
    private readonly settings: ReduceSettings,
  ) {}

  /** Whether steps are to tell of gradients as backward gives them. */
  overlaps(session: ActiveSession): boolean {
    this.join(session);
    return this.overlap;
  }

  /** For a step that will. */
  early(session: ActiveSession, variables: readonly VariableShape[]): EarlyReduction {
    this.join(session);
    const known = this.signature === signatureOf(variables);
    const plan = known && this.plan.length > 1 ? this.plan : [];
    const names = variables.map(({ name }) => name);
    return new EarlyReduction(this.buckets(session, names, plan));
  }

  /** Opens the reduction of gradients that are reduced in one piece, and as they are; nothing for others. @param early - of this step */
  open(session: ActiveSession, gradients: readonly NamedGradient[], early?: EarlyReduction): OpenReduction | undefined {
    this.prepare(session, gradients, early);
    const tensors = gradients.map(({ tensor }) => tensor);
    const { compression, predivideFactor } = this.settings;
    if (!this.goesAtOnce(tensors) || compression !== 'none' || predivideFactor !== 1) return undefined;
    const { order, inOrder, options } = this.whole(
      tensors,
      gradients.map(({ name }) => name),
    );
    return { ticket: openGroupedAllreduce(inOrder, options), order };
  }

  /** To be called after each step. */
  stepped(session: ActiveSession, gradients: readonly NamedGradient[]): void {
    session.autotuner?.stepped(gradients.reduce((bytes, { tensor }) => bytes + 4 * tensor.size, 0));
  }

  /**
   * @param early - of this step: buckets that it has started are only finished here
   * @returns the reduced gradients, in the same order; the caller's to dispose of
   */
  reduce(session: ActiveSession, gradients: readonly NamedGradient[], early?: EarlyReduction): tf.Tensor[] {
    if (gradients.length === 0) return [];
    this.prepare(session, gradients, early);
    const tensors = gradients.map(({ tensor }) => tensor);
    const labels = gradients.map(({ name }) => name);
    const reduced = this.goesAtOnce(tensors)
      ? this.atOnce(tensors, labels)
      : this.byBuckets(session, tensors, labels, early);
    this.stepped(session, gradients);
    return rescaled(reduced, this.settings, session.config.size);
  }

  private prepare(session: ActiveSession, gradients: readonly NamedGradient[], early?: EarlyReduction): void {
    this.join(session);
    const variables = gradients.map(({ name, tensor: { shape, dtype } }) => ({ name, shape, dtype }));
    if (signatureOf(variables) !== this.signature) this.agree(session, variables, early?.observed ?? []);
  }

  private goesAtOnce(tensors: readonly tf.Tensor[]): boolean {
    const { compressor, scatter } = this.settings;
    return this.plan.length === 1 && compressor === undefined && !scatter && !splits(this.settings, tensors);
  }

  private buckets(session: ActiveSession, variables: readonly string[], plan: Buckets['plan']): Buckets {
    return { settings: this.settings, name: this.name, size: session.config.size, variables, plan };
  }

  private join(session: ActiveSession): void {
    if (this.session === session) return;
    this.session = session;
    this.name = this.settings.name ?? session.nextName(this.kind);
    this.signature = '';
    this.overlap = this.settings.overlap ?? this.chosenOverlap(session);
  }

  private chosenOverlap({ config, places }: ActiveSession): boolean {
    const { overlap, why } = chooseOverlap(places);
    const how = overlap ? 'while backward computes others' : 'after backward';
    if (config.rank === 0) logDebug(config, `${this.name}: gradients are reduced ${how}, as ${why}`);
    return overlap;
  }

  /**
   * Compares the variables with those of the other ranks, on the first step and when they have changed. Under the reduction's own name:
   * a rank whose variables changed alone meets the others' first bucket there, which is an error at once and not a wait.
   */
  private agree(session: ActiveSession, variables: readonly VariableShape[], observed: readonly number[]): void {
    const { overlap, groups, splitLarge, firstBucketBytes, bucketBytes } = this.settings;
    const deciding = { overlap, groups, splitLarge, firstBucketBytes, bucketBytes };
    checkSameVariablesSync(this.name, variables, within(this.settings), deciding);
    const order = this.overlap ? this.expectedByFirst(session, variables.length, observed) : [...variables.keys()];
    const bytes = variables.map(({ shape }) => 4 * tf.util.sizeFromShape([...shape]));
    const usualBytes = usualBucketBytes(bytes, !onOneHost(session.places));
    const sizes = { firstBucketBytes, bucketBytes: bucketBytes ?? usualBytes };
    if (typeof groups === 'number') this.plan = planGroups(order, groups);
    else if (groups !== undefined) {
      const names = variables.map(({ name }) => name);
      this.plan = planNamed(names, bytes, order, groups, sizes);
    } else this.plan = this.inBuckets() ? planBuckets(bytes, order, sizes) : [order];
    this.settings.compressor?.restart?.();
    this.signature = signatureOf(variables);
  }

  private inBuckets(): boolean {
    return this.overlap || (this.settings.overlap === undefined && this.settings.inBuckets);
  }

  /** The order that the first rank has observed. What it has not observed comes last, and of that the last variable first, as in backward. */
  private expectedByFirst({ ranks }: ActiveSession, variables: number, observed: readonly number[]): number[] {
    const unseen = [...Array(variables).keys()].reverse().filter((index) => !observed.includes(index));
    const own = Int32Array.of(...observed, ...unseen);
    return [...broadcastSync(own, ranks[0], { name: `${this.name}.order`, ...within(this.settings) })];
  }

  /** A call that blocks is the fastest for what is reduced in one piece. */
  private atOnce(tensors: readonly tf.Tensor[], labels: readonly string[]): tf.Tensor[] {
    const { order, inOrder, options } = this.whole(tensors, labels);
    const scaled = prescaled(inOrder, this.settings);
    try {
      return atPlaces(order, groupedAllreduceSync(scaled.tensors, options));
    } finally {
      scaled.dispose();
    }
  }

  /** Of what is reduced in one piece: the order of reduction, the tensors in it, and the operation's options. */
  private whole(tensors: readonly tf.Tensor[], labels: readonly string[]) {
    const [order] = this.plan as [number[]];
    const options = { ...optionsOf(this.name, this.settings), labels: order.map((index) => labels[index]!) };
    return { order, inOrder: order.map((index) => tensors[index]!), options };
  }

  private byBuckets(
    session: ActiveSession,
    tensors: readonly tf.Tensor[],
    labels: readonly string[],
    early: EarlyReduction | undefined,
  ): tf.Tensor[] {
    const buckets = this.buckets(session, labels, this.plan);
    const started: UnderWay[] = [];
    try {
      this.plan.forEach((_, index) => {
        started.push(early?.take(index, tensors) ?? startBucket(buckets, index, tensors));
      });
    } catch (error) {
      started.forEach(abandon);
      throw error;
    }
    return atPlaces(
      this.plan.flat(),
      finishAll(started).flatMap(({ values }) => values as readonly tf.Tensor[]),
    );
  }
}

function signatureOf(variables: readonly VariableShape[]): string {
  return variables.map(({ name, shape, dtype }) => `${name}\0${dtype}\0${shape.join()}`).join('\n');
}

/** `values[i]` belongs to `places[i]`. */
function atPlaces<T>(places: readonly number[], values: readonly T[]): T[] {
  const ordered: T[] = [];
  places.forEach((place, index) => (ordered[place] = values[index]!));
  return ordered;
}
