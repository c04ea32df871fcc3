import type { Optimizer } from '@tensorflow/tfjs';
import type { Tf } from './models/net.js';
import type { optimizerNames } from './train-options.js';

/** Optimizers with the settings that tf_cnn_benchmarks has by default. */
export function makeOptimizer(tf: Tf, name: (typeof optimizerNames)[number], learningRate: number): Optimizer {
  switch (name) {
    case 'sgd':
      return tf.train.sgd(learningRate);
    case 'momentum':
      return tf.train.momentum(learningRate, 0.9);
    case 'rmsprop':
      return tf.train.rmsprop(learningRate, 0.9, 0.9, 1);
    case 'adam':
      return tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  }
}
