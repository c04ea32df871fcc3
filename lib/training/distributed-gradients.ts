import * as tf from '@tensorflow/tfjs-core';
import { invalid, show } from '../arguments.js';
import type { ActiveSession } from '../active-session.js';
import { sessionOf } from '../process-set.js';
import { GradientReducer } from './gradient-reducer.js';
import { checkedReduceSettings, type ReduceGradientsOptions } from './reduce-settings.js';
import { watchedGradients } from './watch-gradients.js';

export type DistributedGradientsOptions = ReduceGradientsOptions;

/**
 * `tf.variableGrads` over all ranks, for training loops with an optimizer that is not distributed itself: gradients are reduced while
 * backward computes others, where that pays or `overlap: true` says so. Blocks until all are there. Call it equally often on all ranks.
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
  const settings = checkedReduceSettings(where, options);
  const session = sessionOf(where, settings.processSet);
  const trained = (variables ?? Object.values(tf.engine().registeredVariables)).filter(({ trainable }) => trainable);
  if (session.config.size === 1) return tf.variableGrads(f, trained);
  const names = trained.map(({ name }) => name);
  const { compressor, ...comparable } = settings;
  const key = JSON.stringify([comparable, names]);
  const reducers = reducersOf(session, compressor ?? session);
  const reducer = reducers.get(key) ?? new GradientReducer(where, settings);
  reducers.set(key, reducer);
  const early = reducer.overlaps(session) ? reducer.early(session, trained) : undefined;
  try {
    return tf.tidy(() => {
      const { value, grads } = early
        ? watchedGradients(
            f,
            trained,
            () =>
              ({ name }, gradient) =>
                early.ready(name, () => gradient),
          )
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

type Reducers = Map<string, GradientReducer>;

const reducersBySession = new WeakMap<ActiveSession, WeakMap<object, Reducers>>();

/**
 * A reducer for each set of variables and options: what ranks have agreed on once holds for the next call.
 *
 * @param of - the option that text cannot tell apart: the compressor, or anything that stands for none
 */
function reducersOf(session: ActiveSession, of: object): Reducers {
  const byCompressor = reducersBySession.get(session) ?? new WeakMap<object, Reducers>();
  reducersBySession.set(session, byCompressor);
  const known = byCompressor.get(of) ?? new Map<string, GradientReducer>();
  byCompressor.set(of, known);
  return known;
}
