import type * as tf from '@tensorflow/tfjs-core';

/** How a step of one of tfjs's optimizers is made of updates, in the order in which they are done. */
export interface Plan {
  /** The optimizer's lists of slots, and the endings that tfjs gives the slots' names. */
  readonly slots: Readonly<Record<string, string>>;
  readonly updates: readonly UpdateStep[];
  /** What else a step changes. */
  readonly finish?: () => void;
}

/** One update (native/kernel/update.h) of the first array that it reads: 'value', or a list of slots; besides there is 'gradient'. */
export interface UpdateStep {
  readonly rule: number;
  readonly factors: readonly number[];
  readonly reads: readonly [string, ...string[]];
}

/** Reads what tfjs calls private of an optimizer. */
export type PlanOf = (optimizer: Readonly<Record<string, unknown>>) => Plan;
type Fields = Parameters<PlanOf>[0];

/** Numbers of Update. */
const rules = { linear: 0, squares: 1, nesterov: 2, adam: 3, rmsProp: 4, centeredRmsProp: 5 } as const;

const number = (fields: Fields, name: string) => fields[name] as number;
/** What tfjs keeps as a tensor is what counts, though there is a number beside it. */
const scalar = (fields: Fields, name: string) => (fields[name] as tf.Tensor).dataSync()[0]!;

function follow(direction: string, factor: number): UpdateStep {
  return { rule: rules.linear, factors: [1, factor], reads: ['value', direction] };
}

export const planSgd: PlanOf = (sgd) => ({ slots: {}, updates: [follow('gradient', scalar(sgd, 'c'))] });

export const planMomentum: PlanOf = (optimizer) => {
  const [minusRate, momentum] = [scalar(optimizer, 'c'), scalar(optimizer, 'm')];
  const list = 'accumulations';
  return {
    slots: { [list]: 'momentum' },
    updates: [
      { rule: rules.linear, factors: [momentum, 1], reads: [list, 'gradient'] },
      optimizer['useNesterov'] === true
        ? { rule: rules.nesterov, factors: [minusRate, momentum], reads: ['value', 'gradient', list] }
        : follow(list, minusRate),
    ],
  };
};

export const planAdam: PlanOf = (optimizer) => {
  const powers = [optimizer['accBeta1'], optimizer['accBeta2']] as [tf.Variable, tf.Variable];
  const corrections = powers.map((power) => 1 - power.dataSync()[0]!);
  const [beta1, beta2] = [number(optimizer, 'beta1'), number(optimizer, 'beta2')];
  const [first, second] = ['accumulatedFirstMoment', 'accumulatedSecondMoment'] as const;
  const factors = [-number(optimizer, 'learningRate'), number(optimizer, 'epsilon'), ...corrections];
  return {
    slots: { [first]: 'm', [second]: 'v' },
    updates: [
      { rule: rules.linear, factors: [beta1, 1 - beta1], reads: [first, 'gradient'] },
      { rule: rules.squares, factors: [beta2, 1 - beta2], reads: [second, 'gradient'] },
      { rule: rules.adam, factors, reads: ['value', first, second] },
    ],
    finish: () => {
      powers[0].assign(powers[0].mul(beta1));
      powers[1].assign(powers[1].mul(beta2));
    },
  };
};

export const planRmsProp: PlanOf = (optimizer) => {
  const [decay, epsilon] = [number(optimizer, 'decay'), number(optimizer, 'epsilon')];
  const [squares, velocity, means] = ['accumulatedMeanSquares', 'accumulatedMoments', 'accumulatedMeanGrads'] as const;
  const factors = [number(optimizer, 'momentum'), number(optimizer, 'learningRate'), epsilon];
  const mean: UpdateStep = { rule: rules.linear, factors: [decay, 1 - decay], reads: [means, 'gradient'] };
  const centered = optimizer['centered'] === true;
  return {
    slots: { [squares]: 'rms', [velocity]: 'momentum', ...(centered ? { [means]: 'mg' } : {}) },
    updates: [
      { rule: rules.squares, factors: [decay, 1 - decay], reads: [squares, 'gradient'] },
      ...(centered ? [mean] : []),
      centered
        ? { rule: rules.centeredRmsProp, factors, reads: [velocity, 'gradient', squares, means] }
        : { rule: rules.rmsProp, factors, reads: [velocity, 'gradient', squares] },
      follow(velocity, -1),
    ],
  };
};
