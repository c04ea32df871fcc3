import * as tf from '@tensorflow/tfjs-core';
import { invalid } from '../../arguments.js';
import { sessionOf, type ProcessSet } from '../../process-set.js';
import { layersModule, type Layers } from '../layers-module.js';
import { within, type WithProcessSet } from '../within.js';
import { normalizeOverRanks, type Moments } from './normalize-over-ranks.js';

type Layer = import('@tensorflow/tfjs-layers').layers.Layer;
type Factory = Layers['layers']['batchNormalization'];

/** As of `tf.layers.batchNormalization`, and the ranks whose batches are normalized together. Not saved with a model. */
export type SyncBatchNormalizationArgs = NonNullable<Parameters<Factory>[0]> & WithProcessSet;

/**
 * `tf.layers.batchNormalization` with mean and variance over the batches of all ranks, for batches that are too small on one rank: N ranks
 * train as one process does with the whole batch. Batches may differ in size. Otherwise it is that layer: alone and in inference it does the
 * same, it has the same weights by the same names, and is saved and loaded with models, as `SyncBatchNormalization`.
 *
 * Each training step asks for one operation of all ranks in the forward pass and one in backward, of two numbers a channel, and waits for
 * them. So ranks call the model in training equally often.
 *
 * @throws {RingError} `RING_UNSUPPORTED` without tfjs-layers; when called in training as `allgatherSync` and `allreduceSync`
 */
export function syncBatchNormalization(args: SyncBatchNormalizationArgs = {}): Layer & WithProcessSet {
  return new (layerClass())(args);
}

const className = 'SyncBatchNormalization';

/** Stands for the layer where models are loaded, so that tfjs-layers is asked for only by those who have it. */
class WhenLoaded extends tf.serialization.Serializable {
  static readonly className = className;

  /** Gives what was saved, a layer; by its type, which every caller of this may take it for, nothing. */
  static override fromConfig(_: unknown, config: tf.serialization.ConfigDict): never {
    return syncBatchNormalization(config) as never;
  }

  getConfig(): tf.serialization.ConfigDict {
    return {};
  }
}

tf.serialization.registerClass(WhenLoaded);

/** What we use of a tfjs layer of the class BatchNormalization. */
interface BatchNormalization extends Layer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  /** Undefined where the layer does not scale. */
  readonly gamma?: Variable;
  /** Undefined where it does not shift. */
  readonly beta?: Variable;
  readonly movingMean: Variable;
  readonly movingVariance: Variable;
}

interface Variable {
  read(): tf.Tensor;
  write(value: tf.Tensor): unknown;
}

type LayerClass = new (args: SyncBatchNormalizationArgs) => Layer & WithProcessSet;
let known: LayerClass | undefined;

/** Made of the user's own tfjs-layers, which does not export the class that it extends. */
function layerClass(): LayerClass {
  if (known !== undefined) return known;
  const { layers } = layersModule();
  const Base = layers.batchNormalization({ name: 'any' }).constructor as new (args: object) => BatchNormalization;

  class SyncBatchNormalization extends Base {
    static readonly className = className;
    processSet?: ProcessSet;

    constructor({ processSet, ...args }: SyncBatchNormalizationArgs) {
      super(args);
      if (processSet !== undefined) this.processSet = processSet;
    }

    override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Parameters<Layer['call']>[1]): tf.Tensor | tf.Tensor[] {
      if (!kwargs['training']) return super.call(inputs, kwargs);
      const session = sessionOf(className, this.processSet);
      if (session.config.size === 1 && this.gamma !== undefined && this.beta !== undefined)
        return super.call(inputs, kwargs);
      const [input, ...others] = Array.isArray(inputs) ? inputs : [inputs];
      if (input === undefined || others.length > 0) throw invalid(className, `${1 + others.length} inputs; give one`);
      const name = session.nextName(className);
      return tf.tidy(() => this.normalize(name, input));
    }

    private normalize(name: string, input: tf.Tensor): tf.Tensor {
      const axis = this.axis >= 0 ? this.axis : this.axis + input.rank;
      const axes = [...input.shape.keys()].filter((dimension) => dimension !== axis);
      const channels = input.shape.map((length, dimension) => (dimension === axis ? length : 1));
      const onMoments = ({ mean, variance }: Moments) => {
        this.move(this.movingMean, mean);
        this.move(this.movingVariance, variance);
      };
      const normalized = normalizeOverRanks(name, input, axes, this.epsilon, onMoments, within(this));
      const scaled = this.gamma ? tf.mul(normalized, tf.reshape(this.gamma.read(), channels)) : normalized;
      return this.beta ? tf.add(scaled, tf.reshape(this.beta.read(), channels)) : scaled;
    }

    private move(average: Variable, value: tf.Tensor): void {
      const old = average.read();
      const step = tf.mul(tf.sub(old, tf.reshape(value, old.shape)), 1 - this.momentum);
      average.write(tf.sub(old, step));
    }
  }
  return (known = SyncBatchNormalization);
}
