import * as tf from '@tensorflow/tfjs-core';
import { invalid, show } from '../arguments.js';
import { reducedSteps } from '../collectives/reduced-steps.js';
import { AdasumSteps } from './adasum-steps.js';
import { DistributedSteps, type Gradients, type OwnSteps, type Steps } from './distributed-steps.js';
import { checkElementwise } from './optimizer-slots.js';
import { ShardedState, type NamedTensors, type StateMethods } from './sharded-state.js';
import { checkedStepSettings, type DistributedOptimizerOptions } from './step-settings.js';
import { variablesOf, type Weights } from './weights.js';
import { within } from './within.js';

export type { DistributedOptimizerOptions } from './step-settings.js';

/** What a distributed optimizer has beside the methods of its class. */
export interface DistributedOptimizerMethods {
  /**
   * Reduces gradients without a step, for loops that look at them or change them first: `computeGradients`, `synchronize`, and then
   * `skipSynchronize(() => optimizer.applyGradients(...))`.
   *
   * @returns new tensors, in the form and order of `gradients`
   */
  synchronize<G extends Gradients>(gradients: G): G;
  /** Steps that the action makes use gradients as they are given. */
  skipSynchronize<T>(action: () => T): T;
  /** Steps that the action makes change no weights: their gradients are added up on this rank, for the step that follows. */
  noSync<T>(action: () => T): T;
  /** From now on gradients of these variables are each rank's own, as with the option `localVariables`. */
  registerLocalVariables(variables: Weights): void;
  /**
   * With `shardOptimizerState`, before a checkpoint, on all ranks: brings the whole state to one rank, where `getWeights` (and so `model.save` with
   * `includeOptimizer`) gives it until the next step. Without, it does nothing.
   */
  consolidateState(rootRank?: number): Promise<void>;
}

type DistributedOptimizerClass = new <O extends tf.Optimizer>(
  inner: O,
  options?: DistributedOptimizerOptions,
) => O & DistributedOptimizerMethods;

const distributed = new WeakSet();

/**
 * Makes an optimizer train with the gradients of all ranks: every step first reduces them, and then does what it did before. Any tfjs
 * optimizer or subclass of it, with `model.fit`, `minimize` and `applyGradients`; call each equally often on all ranks. A rank without a
 * gradient for a variable counts as a gradient of zeros.
 *
 * With `minimize`, and so with `model.fit`, gradients are reduced while backward computes others, where that pays or `overlap: true` says so. The first
 * step then only looks in which order they come.
 *
 * `new DistributedOptimizer(inner)` changes `inner` and gives it back, so there is no second object that could step on its own: class,
 * configuration, state, saving and loading are inner's. Alone (size 1) steps are exactly inner's. `init` must have run by the first step.
 *
 * Steps throw {@link RingError}: `RING_NOT_INITIALIZED`; `RING_MISMATCH`, on the first step, naming the first variable in which ranks
 * differ; and as `groupedAllreduceSync` does.
 */
export const DistributedOptimizer = function (inner: tf.Optimizer, options: DistributedOptimizerOptions = {}) {
  const where = 'DistributedOptimizer';
  if (!isOptimizer(inner))
    throw invalid(where, `inner is ${show(inner)}; give an optimizer, such as tf.train.sgd(0.01)`);
  if (distributed.has(inner)) throw invalid(where, 'the optimizer is distributed already; wrap it once');
  distribute(inner, options, where);
  distributed.add(inner);
  return inner; // what `new` then gives, in place of a new object
} as unknown as DistributedOptimizerClass;

Object.defineProperty(DistributedOptimizer, Symbol.hasInstance, {
  value: (value: unknown) => typeof value === 'object' && value !== null && distributed.has(value),
});

function isOptimizer(value: unknown): value is tf.Optimizer {
  const methods = ['minimize', 'computeGradients', 'applyGradients'] as const;
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as tf.Optimizer)[method] === 'function')
  );
}

function distribute(inner: tf.Optimizer, options: DistributedOptimizerOptions, where: string): void {
  const settings = checkedStepSettings(where, options);
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its optimizer
  const reducing = reducedSteps.get(inner.applyGradients);
  const own: OwnSteps = {
    minimize: inner.minimize.bind(inner),
    computeGradients: inner.computeGradients.bind(inner),
    applyGradients: inner.applyGradients.bind(inner),
    ...(reducing && { applyReducing: (gradients, open) => reducing(inner, gradients, open) }),
  };
  // A class with a way of its own from the loss to applyGradients may change gradients on it: they are reduced at its end.
  const asTfjs = (['minimize', 'computeGradients'] as const).every(
    (name) => inner[name] === tf.Optimizer.prototype[name],
  );
  const { shardOptimizerState } = settings;
  if (shardOptimizerState === true) checkElementwise(where, inner);
  const whole = { getWeights: inner.getWeights.bind(inner), setWeights: inner.setWeights.bind(inner) };
  const state = shardOptimizerState ? new ShardedState(inner, { ...own, ...whole }, within(settings)) : undefined;
  const steps =
    settings.op === 'adasum' ? new AdasumSteps(own, settings) : new DistributedSteps(own, settings, asTfjs, state);
  const methods: Steps & DistributedOptimizerMethods & Partial<StateMethods> = {
    minimize: steps.minimize.bind(steps),
    computeGradients: steps.computeGradients.bind(steps),
    applyGradients: steps.applyGradients.bind(steps),
    synchronize: (gradients) => steps.synchronize(gradients) as typeof gradients,
    skipSynchronize: (action) => steps.skipSynchronize(action),
    noSync: (action) => steps.noSync(action),
    registerLocalVariables: (variables) =>
      steps.registerLocalVariables(variablesOf('registerLocalVariables', variables).map(({ name }) => name)),
    consolidateState: async (rootRank) => state?.consolidate(rootRank),
    ...(state !== undefined && {
      getWeights: () => state.getWeights(),
      setWeights: (weights: NamedTensors) => state.setWeights(weights),
    }),
  };
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(inner, name, { value: value as unknown, writable: true, configurable: true });
}
