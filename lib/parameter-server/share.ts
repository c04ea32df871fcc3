import * as tf from '@tensorflow/tfjs-core';
import { RingError } from '../errors.js';
import { setLearningRate } from '../training/learning-rate.js';
import type { OptimizerSpec } from './messages.js';

/** What an optimizer remembers of a share of the weights, and how many steps it has made. */
export interface ShareState {
  readonly iterations: number;
  /** Name and values, one for each element of the share. */
  readonly slots: readonly { readonly name: string; readonly values: Float32Array }[];
}

/**
 * A server's share of a model's weights, and the optimizer that updates it: tfjs's own, made from its configuration. As these update each element by its
 * own gradient alone, the share is one variable of rank 1, whatever pieces of the model's variables it is made of.
 */
export class Share {
  private readonly variable: tf.Variable | undefined;
  private readonly optimizer: tf.Optimizer;
  private learningRate: number | undefined;
  private snapshot: Float32Array | undefined;

  /** @param weights - copied. @throws {RingError} `RING_UNSUPPORTED` for an optimizer that tfjs does not know here */
  constructor(name: string, spec: OptimizerSpec, weights: Float32Array) {
    this.optimizer = makeOptimizer(spec);
    if (weights.length > 0) this.variable = tf.tidy(() => tf.variable(tf.tensor1d(weights.slice()), true, name));
  }

  /** One step with the mean of `gradients`, which are summed up in their order. */
  step(gradients: readonly Float32Array[], learningRate: number): void {
    if (learningRate !== this.learningRate) setLearningRate(this.optimizer, learningRate);
    this.learningRate = learningRate;
    this.snapshot = undefined;
    const { variable } = this;
    if (variable === undefined) return;
    tf.tidy(() => {
      const tensors = gradients.map((gradient) => tf.tensor1d(gradient));
      const tensor = tensors.length === 1 ? tensors[0]! : tf.div<tf.Tensor1D>(tf.addN(tensors), tensors.length);
      this.optimizer.applyGradients([{ name: variable.name, tensor }]);
    });
  }

  get iterations(): number {
    return this.optimizer.iterations;
  }

  /** As they are now; never written to later. */
  weights(): Float32Array {
    this.snapshot ??= (this.variable?.dataSync() as Float32Array | undefined) ?? new Float32Array(0);
    return this.snapshot;
  }

  /** @throws {RingError} `RING_UNSUPPORTED` for a class whose state tfjs cannot give (Adamax) */
  async state(): Promise<ShareState> {
    const [iterations, ...slots] = await this.attempt('give', () => this.optimizer.getWeights());
    iterations?.tensor.dispose(); // made for us; the others are the optimizer's own
    return {
      iterations: this.iterations,
      slots: slots.map(({ name, tensor }) => ({
        name: name.split('/').at(-1)!,
        values: tensor.dataSync() as Float32Array,
      })),
    };
  }

  /** Goes on from such a state. @throws as `state` */
  async restore({ iterations, slots }: ShareState): Promise<void> {
    const named = this.variable === undefined ? [] : slots;
    const weights = [
      { name: 'iter', tensor: tf.scalar(iterations, 'int32') },
      ...named.map(({ name, values }) => ({ name, tensor: tf.tensor1d(values.slice()) })),
    ];
    await this.attempt('take', () => this.optimizer.setWeights(weights));
    tf.dispose(weights.map(({ tensor }) => tensor)); // the optimizer has variables of its own over them
  }

  private async attempt<T>(verb: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      const what = `tfjs cannot ${verb} the state of ${this.optimizer.getClassName()}, so there are no checkpoints of it`;
      throw new RingError('RING_UNSUPPORTED', what, { cause });
    }
  }
}

function makeOptimizer({ className, config }: OptimizerSpec): tf.Optimizer {
  const known = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (known === undefined) {
    throw new RingError('RING_UNSUPPORTED', `parameter servers have no optimizer ${className}; use one of tf.train`);
  }
  const [type, fromConfig] = known;
  const made: unknown = fromConfig(type, config as tf.serialization.ConfigDict);
  return made as tf.Optimizer;
}
