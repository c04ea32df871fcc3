import type * as tfjs from '@tensorflow/tfjs';

/** Those of tfjs whose steps `accelerate` makes, in each of their forms. */
export function acceleratedOptimizers({ train }: Pick<typeof tfjs, 'train'>): Record<string, () => tfjs.Optimizer> {
  return {
    sgd: () => train.sgd(0.1),
    momentum: () => train.momentum(0.05, 0.9),
    nesterov: () => train.momentum(0.05, 0.9, true),
    adam: () => train.adam(0.01),
    rmsprop: () => train.rmsprop(0.01, 0.9, 0.5, 1e-3),
    'centered rmsprop': () => train.rmsprop(0.01, 0.9, 0.5, -1e-3, true),
  };
}
