import * as tf from '@tensorflow/tfjs-core';
import { invalid } from '../arguments.js';
import { isTrained, listOf, type Gradients, type Steps } from './distributed-steps.js';
import { GradientReducer } from './gradient-reducer.js';
import { PausableSteps } from './pausable-steps.js';
import type { StepSettings } from './step-settings.js';
import { sessionOf } from '../process-set.js';

/**
 * Steps by Adasum, as Horovod's delta optimizer makes them: each rank steps with its own gradients, and then the changes of the weights are
 * combined: averaged where they point the same way, added where they are at right angles. Changes, and not gradients, since the optimizer
 * (momentum, Adam) has a part in where a rank goes. So its state is each rank's own.
 *
 * Maleki et al., "Scaling Distributed Training with Adaptive Summation", MLSys 2021.
 */
export class AdasumSteps extends PausableSteps {
  private readonly reducer: GradientReducer;

  constructor(
    private readonly inner: Steps,
    settings: StepSettings,
  ) {
    super(settings);
    this.reducer = new GradientReducer('DistributedOptimizer', { ...settings, overlap: false });
  }

  /** The class's own, which ends in `applyGradients`. */
  minimize(f: () => tf.Scalar, returnCost?: boolean, variables?: tf.Variable[]): tf.Scalar | null {
    return this.inner.minimize(f, returnCost, variables);
  }

  computeGradients(
    f: () => tf.Scalar,
    variables?: tf.Variable[],
  ): ReturnType<typeof tf.Optimizer.prototype.computeGradients> {
    return this.inner.computeGradients(f, variables);
  }

  applyGradients(gradients: Gradients): void {
    const session = sessionOf('DistributedOptimizer', this.settings.processSet);
    if (this.inside || this.skipping > 0) this.inner.applyGradients(gradients);
    else if (this.onlyAccumulates()) this.accumulator.add(listOf(gradients));
    else if (session.config.size === 1) this.stepAlone(gradients);
    else {
      const trained = listOf(gradients).flatMap(({ name }) => this.reducedVariable(name));
      const before = trained.map((variable) => tf.clone<tf.Tensor>(variable));
      try {
        this.stepAlone(gradients);
        tf.tidy(() => {
          const changes = trained.map((variable, i) => ({ name: variable.name, tensor: tf.sub(variable, before[i]!) }));
          const combined = this.reducer.reduce(session, changes);
          trained.forEach((variable, i) => variable.assign(tf.add(before[i]!, combined[i]!)));
        });
      } finally {
        tf.dispose(before);
      }
    }
  }

  synchronize(): never {
    throw invalid(
      'DistributedOptimizer',
      "with op 'adasum' no gradients are reduced, but the changes of a step; use minimize or applyGradients",
    );
  }

  /** A step of this rank, with the gradients of earlier passes. */
  private stepAlone(gradients: Gradients): void {
    this.inside = true;
    try {
      if (this.accumulator.passes === 0) {
        this.inner.applyGradients(gradients);
        return;
      }
      tf.tidy(() => {
        const joined = listOf(gradients).map(({ name, tensor }) => ({
          name,
          tensor: this.accumulator.with(name, tensor),
        }));
        this.inner.applyGradients(joined as Gradients);
      });
      this.accumulator.clear();
    } finally {
      this.inside = false;
    }
  }

  private reducedVariable(name: string): tf.Variable[] {
    const variable = tf.engine().registeredVariables[name];
    return variable === undefined || this.local.has(name) || !isTrained(name) ? [] : [variable];
  }
}
