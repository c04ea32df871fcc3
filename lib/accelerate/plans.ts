import type * as tf from '@tensorflow/tfjs-core';

/** A step of one of tfjs's optimizers as an update of native/kernel/update.h. */
export interface Plan {
  readonly rule: number;
  readonly factors: readonly number[];
  /** The optimizer's lists of slots, in the update's order, and the endings that tfjs gives the slots' names. */
  readonly slots: Readonly<Record<string, string>>;
  /** What else a step changes. */
  readonly finish?: () => void;
}

/** Reads what tfjs calls private of an optimizer. */
export type PlanOf = (optimizer: Readonly<Record<string, unknown>>) => Plan;
type Fields = Parameters<PlanOf>[0];

/** Numbers of Update. */
const rules = { sgd: 0, momentum: 1, nesterov: 2, adam: 3, rmsProp: 4, centeredRmsProp: 5 } as const;

const number = (fields: Fields, name: string) => fields[name] as number;
/** What tfjs keeps as a tensor is what counts, though there is a number beside it. */
const scalar = (fields: Fields, name: string) => (fields[name] as tf.Tensor).dataSync()[0]!;

export const planSgd: PlanOf = (sgd) => ({ rule: rules.sgd, factors: [scalar(sgd, 'c')], slots: {} });

export const planMomentum: PlanOf = (optimizer) => ({
  rule: optimizer['useNesterov'] === true ? rules.nesterov : rules.momentum,
  factors: [scalar(optimizer, 'm'), scalar(optimizer, 'c')],
  slots: { accumulations: 'momentum' },
});

export const planAdam: PlanOf = (optimizer) => {
  const powers = [optimizer['accBeta1'], optimizer['accBeta2']] as [tf.Variable, tf.Variable];
  const corrections = powers.map((power) => 1 - power.dataSync()[0]!);
  const [beta1, beta2] = [number(optimizer, 'beta1'), number(optimizer, 'beta2')];
  const [minusRate, epsilon] = [-number(optimizer, 'learningRate'), number(optimizer, 'epsilon')];
  return {
    rule: rules.adam,
    factors: [beta1, 1 - beta1, beta2, 1 - beta2, minusRate, epsilon, ...corrections],
    slots: { accumulatedFirstMoment: 'm', accumulatedSecondMoment: 'v' },
    finish: () => {
      powers[0].assign(powers[0].mul(beta1));
      powers[1].assign(powers[1].mul(beta2));
    },
  };
};

export const planRmsProp: PlanOf = (optimizer) => {
  const [decay, epsilon] = [number(optimizer, 'decay'), number(optimizer, 'epsilon')];
  const [momentum, rate] = [number(optimizer, 'momentum'), number(optimizer, 'learningRate')];
  const centered = optimizer['centered'] === true;
  return {
    rule: centered ? rules.centeredRmsProp : rules.rmsProp,
    factors: [decay, 1 - decay, momentum, rate, epsilon],
    slots: {
      accumulatedMeanSquares: 'rms',
      accumulatedMoments: 'momentum',
      ...(centered ? { accumulatedMeanGrads: 'mg' } : {}),
    },
  };
};
