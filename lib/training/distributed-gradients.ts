import * as tf from '@tensorflow/tfjs-core';
import { invalid, show } from '../arguments.js';
import { activeSession, type ActiveSession } from '../active-session.js';
import { GradientReducer } from './gradient-reducer.js';
import { checkedReduceSettings, type ReduceGradientsOptions } from './reduce-settings.js';
import { watchedGradients } from './watch-gradients.js';

export type DistributedGradientsOptions = ReduceGradientsOptions;

/**
 * `tf.variableGrads` over all ranks, for training loops with an optimizer that is not distributed itself: gradients are reduced while
 * backward computes others. Blocks until all are there. Call it equally often on all ranks.
 *
 * @param f - gives this rank's loss
 * @param variables - unless given, all trainable ones there are
 * @returns this rank's loss, and the reduced gradient of each trainable variable (zeros where no rank has one), by name
 * @throws {RingError} `RING_MISMATCH` naming the first variable in which ranks differ, and as `groupedAllreduceSync`
 */
export function distributedGradients(
  f: () => tf.Scalar,
  variables?: tf.Variable[],
  options: DistributedGradientsOptions = {},
): { value: tf.Scalar; grads: tf.NamedTensorMap } {
  const where = 'distributedGradients';
  if (typeof f !== 'function') throw invalid(where, `f is ${show(f)}; a function that gives the loss`);
  const session = activeSession();
  const settings = checkedReduceSettings(where, options);
  const trained = (variables ?? Object.values(tf.engine().registeredVariables)).filter(({ trainable }) => trainable);
  if (session.config.size === 1) return tf.variableGrads(f, trained);
  const names = trained.map(({ name }) => name);
  const key = JSON.stringify([settings, names]);
  const reducers = reducersOf(session);
  const reducer = reducers.get(key) ?? new GradientReducer(where, settings);
  reducers.set(key, reducer);
  const early = settings.overlap ? reducer.early(session, trained) : undefined;
  try {
    return tf.tidy(() => {
      const { value, grads } = early
        ? watchedGradients(f, trained, ({ name }, gradient) => early.ready(name, () => gradient))
        : tf.variableGrads(f, trained);
      const own = trained.map((variable) => ({
        name: variable.name,
        tensor: grads[variable.name] ?? tf.zerosLike(variable),
      }));
      const reduced = reducer.reduce(session, own, early);
      return { value, grads: Object.fromEntries(names.map((name, index) => [name, reduced[index]!])) };
    });
  } finally {
    early?.abandon();
  }
}

const reducersBySession = new WeakMap<ActiveSession, Map<string, GradientReducer>>();

/** A reducer for each set of variables and options: what ranks have agreed on once holds for the next call. */
function reducersOf(session: ActiveSession): Map<string, GradientReducer> {
  const known = reducersBySession.get(session) ?? new Map<string, GradientReducer>();
  reducersBySession.set(session, known);
  return known;
}
