import * as tf from '@tensorflow/tfjs-core';
import { invalid, show } from '../arguments.js';
import type { ActiveSession } from '../active-session.js';
import { sessionOf } from '../process-set.js';
import { allreduceSync } from '../collectives.js';
import { clippedToNorm } from './clip.js';
import type { OpenReduction } from '../collectives/reduced-steps.js';
import type { EarlyReduction } from './early-reduction.js';
import type { MaybeGradient } from './gradient-accumulator.js';
import { GradientReducer, type NamedGradient } from './gradient-reducer.js';
import { PausableSteps } from './pausable-steps.js';
import type { ShardedState } from './sharded-state.js';
import type { StepSettings } from './step-settings.js';
import { within } from './within.js';
import { watchedGradients } from './watch-gradients.js';

/** What `applyGradients` takes: one gradient a variable, null where the variable had no part in the loss. */
export type Gradients = Parameters<tf.Optimizer['applyGradients']>[0];

/** The methods of an optimizer that steps go through, as they were before it was distributed. */
export type Steps = Pick<tf.Optimizer, 'minimize' | 'computeGradients' | 'applyGradients'>;

/** The optimizer's way to make a step while gradients are reduced, if it has one; see `ReducedStep`. */
export interface OwnSteps extends Steps {
  readonly applyReducing?: (gradients: Gradients, open: () => OpenReduction | undefined) => boolean;
}

/** What a distributed optimizer does in place of its own steps. */
export class DistributedSteps extends PausableSteps {
  private readonly reducer: GradientReducer;
  /** In a `minimize` of tfjs's whose gradients are reduced: nobody but us sees them. */
  private minimizing = false;
  private early: EarlyReduction | undefined;
  /** Gradients of this step with those of earlier passes, by variable. */
  private readonly joined = new Map<string, tf.Tensor | null>();

  /**
   * @param sharded - for an optimizer whose state is spread over the ranks
   * @param asTfjs - `minimize` is tfjs's: gradients come to `applyGradients` as `computeGradients` gives them, and go afterwards
   */
  constructor(
    private readonly inner: OwnSteps,
    settings: StepSettings,
    private readonly asTfjs: boolean,
    private readonly sharded?: ShardedState,
  ) {
    super(settings);
    this.reducer = new GradientReducer('DistributedOptimizer', settings);
  }

  minimize(f: () => tf.Scalar, returnCost?: boolean, variables?: tf.Variable[]): tf.Scalar | null {
    const { size } = this.session().config;
    if (size === 1 || !this.asTfjs || this.onlyAccumulates() || this.skipping > 0)
      return this.inner.minimize(f, returnCost, variables);
    this.minimizing = true;
    try {
      return this.inner.minimize(f, returnCost, variables);
    } finally {
      this.minimizing = false;
      this.early?.abandon();
      this.early = undefined;
      this.endStep();
    }
  }

  /** The gradients of this rank, wherever it is called. */
  computeGradients(
    f: () => tf.Scalar,
    variables?: tf.Variable[],
  ): ReturnType<typeof tf.Optimizer.prototype.computeGradients> {
    if (!this.minimizing || !this.reducer.overlaps(this.session())) return this.inner.computeGradients(f, variables);
    return watchedGradients(f, variables, (trained) => {
      const shared = trained.filter(({ name }) => !this.local.has(name));
      const early = this.reducer.early(this.session(), shared);
      this.early = early;
      return ({ name }, gradient) => early.ready(name, () => this.join(name, gradient) as tf.Tensor);
    });
  }

  /** `minimize`, and so `fit`, ends here: the one place that all gradients of all uses come through. */
  applyGradients(gradients: Gradients): void {
    const session = this.session();
    if (this.inside || this.skipping > 0) this.applyAsGiven(session, gradients);
    else if (this.onlyAccumulates()) this.accumulator.add(listOf(gradients));
    else if (this.changesNothing(session)) this.inner.applyGradients(gradients);
    else if (this.sharded !== undefined && session.config.size > 1) this.applySharded(session, this.sharded, gradients);
    else if (!this.applyReducing(session, gradients)) this.applyReduced(this.replaced(session, gradients));
  }

  synchronize(gradients: Gradients): Gradients {
    const session = this.session();
    this.checkWhole(session);
    return this.reduced(session, gradients);
  }

  /** As `reduced`. Gradients that nobody else sees are gone before the step needs memory of its own. */
  private replaced(session: ActiveSession, gradients: Gradients): Gradients {
    const reduced = this.reduced(session, gradients);
    if (this.minimizing) listOf(gradients).forEach(({ tensor }) => tensor?.dispose());
    return reduced;
  }

  private reduced(session: ActiveSession, gradients: Gradients): Gradients {
    try {
      const reduced = tf.tidy(() => this.reduce(session, gradients) as tf.TensorContainer) as Gradients;
      this.accumulator.clear();
      return reduced;
    } finally {
      this.endStep();
    }
  }

  private session(): ActiveSession {
    return sessionOf('DistributedOptimizer', this.settings.processSet);
  }

  private applyReduced(reduced: Gradients): void {
    this.inside = true;
    try {
      this.inner.applyGradients(reduced);
    } finally {
      this.inside = false;
      listOf(reduced).forEach(({ tensor }) => tensor?.dispose());
    }
  }

  /** Where nobody looks at the reduced gradients but the optimizer, and it can take them so. */
  private applyReducing(session: ActiveSession, gradients: Gradients): boolean {
    const { applyReducing } = this.inner;
    if (applyReducing === undefined || this.settings.clipNorm !== undefined || this.accumulator.passes > 0)
      return false;
    const all = listOf(gradients);
    const list = all.filter(isThere);
    if (all.length === 0 || list.length < all.length || !list.every((gradient) => this.isShared(gradient)))
      return false;
    if (!applyReducing(gradients, () => this.reducer.open(session, list, this.early))) return false;
    this.reducer.stepped(session, list);
    return true;
  }

  private changesNothing({ config }: ActiveSession): boolean {
    return config.size === 1 && this.settings.clipNorm === undefined && this.accumulator.passes === 0;
  }

  /** New tensors in the form and order of `gradients`. To be called in a tidy. */
  private reduce(session: ActiveSession, gradients: Gradients): Gradients {
    const list = listOf(gradients).map(({ name, tensor }) => ({ name, tensor: this.join(name, tensor) }));
    const shared = list.filter((gradient) => this.isShared(gradient));
    const alone = session.config.size === 1;
    const whole = shared.map(({ name, tensor }) => ({ name, tensor: tensor ?? zerosLikeVariable(name) }));
    const reduced = alone
      ? whole.map(({ tensor }) => tf.clone(tensor))
      : this.reducer.reduce(session, whole, this.early);
    const { clipNorm } = this.settings;
    const clipped =
      clipNorm === undefined ? reduced : clippedToNorm(reduced, clipNorm, (squares) => this.sumOfSquares(squares));
    const results = new Map(shared.map(({ name }, index) => [name, clipped[index]!]));
    const named = list.map(({ name, tensor }) => ({
      name,
      tensor: results.get(name) ?? this.ofLocal(tensor, session.config.size),
    }));
    const form = Array.isArray(gradients) ? named : Object.fromEntries(named.map(({ name, tensor }) => [name, tensor]));
    return form as Gradients;
  }

  /** As `applyReduced`, of this rank's shard of each gradient that ranks share. */
  private applySharded(session: ActiveSession, state: ShardedState, gradients: Gradients): void {
    try {
      tf.tidy(() => {
        const list = listOf(this.reduce(session, gradients));
        this.inside = true;
        state.step(
          session,
          list.map(({ name, tensor }) => ({ name, tensor, shared: this.isShared({ name, tensor: tensor ?? null }) })),
        );
      });
      this.accumulator.clear();
    } finally {
      this.inside = false;
      this.endStep();
    }
  }

  private applyAsGiven(session: ActiveSession, gradients: Gradients): void {
    if (!this.inside) this.checkWhole(session);
    this.inner.applyGradients(gradients);
  }

  private checkWhole({ config }: ActiveSession): void {
    if (this.sharded === undefined || config.size === 1) return;
    throw invalid(
      'DistributedOptimizer',
      'synchronize and skipSynchronize go by whole gradients, of which a rank has but its part with shardOptimizerState',
    );
  }

  private isShared({ name, tensor }: { name: string; tensor: tf.Tensor | null }): boolean {
    return !this.local.has(name) && (tensor !== null || isTrained(name));
  }

  /** Of shards each rank knows its own squares. */
  private sumOfSquares(squares: tf.Tensor): tf.Tensor {
    if (!this.settings.scatter || this.session().config.size === 1) return squares;
    return allreduceSync(squares, { ...within(this.settings), name: 'DistributedOptimizer.norm', op: 'sum' });
  }

  /** A variable of one rank has a part in that rank's loss alone, and so in the mean of all losses a share. */
  private ofLocal(tensor: tf.Tensor | null, size: number): tf.Tensor | null {
    const { op, scaleLocalGradients } = this.settings;
    if (tensor === null) return null;
    return scaleLocalGradients && op === 'average' ? tf.div(tensor, size) : tf.clone(tensor);
  }

  private join(name: string, gradient: tf.Tensor | null | undefined): tf.Tensor | null {
    if (this.accumulator.passes === 0) return gradient ?? null;
    const known = this.joined.get(name);
    if (known !== undefined) return known;
    const whole = this.accumulator.with(name, gradient);
    if (whole !== null) tf.keep(whole);
    this.joined.set(name, whole);
    return whole;
  }

  private endStep(): void {
    this.joined.forEach((tensor) => tensor?.dispose());
    this.joined.clear();
  }
}

export function listOf(gradients: Gradients): readonly MaybeGradient[] {
  return Array.isArray(gradients)
    ? gradients
    : Object.keys(gradients).map((name) => ({ name, tensor: gradients[name] }));
}

function isThere(gradient: MaybeGradient): gradient is NamedGradient {
  return gradient.tensor !== null && gradient.tensor !== undefined;
}

/** Variables that are not trained have no gradient anywhere. */
export function isTrained(name: string): boolean {
  return tf.engine().registeredVariables[name]?.trainable !== false;
}

function zerosLikeVariable(name: string): tf.Tensor {
  const variable = tf.engine().registeredVariables[name];
  if (variable !== undefined) return tf.zeros(variable.shape, variable.dtype);
  throw invalid(
    'DistributedOptimizer',
    `a gradient is null and there is no variable named ${show(name)} to take its shape from`,
  );
}
