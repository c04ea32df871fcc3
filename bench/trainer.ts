import type { Optimizer } from '@tensorflow/tfjs';
import * as ring from '../lib/index.js';
import { firstLine } from './backend.js';
import { UsageError } from './main.js';
import { type ModelName, buildModel } from './models/index.js';
import type { BuiltModel, Tf } from './models/net.js';
import { makeOptimizer } from './optimizers.js';
import type { Batch } from './synthetic.js';
import type { TrainOptions } from './train-options.js';
import { TruncatedNormal } from './truncated-normal.js';

/** What the training benchmark trains, with nothing left to the model or the backend to choose. */
export type TrainerSettings = Pick<
  TrainOptions,
  | 'optimizer'
  | 'variable_update'
  | 'overlap'
  | 'compression'
  | 'cross_replica_sync'
  | 'max_staleness'
  | 'data_format'
  | 'num_classes'
  | 'seed'
> & { readonly model: ModelName; readonly learning_rate: number; readonly image_size: number };

export interface Trainer {
  readonly parameters: number;
  /** One update of all weights. Returns this rank's loss, and so waits for the end of the step. */
  step(batch: Batch): number;
  /** The mean of all ranks' losses; without communication this rank's own. */
  meanOverRanks(loss: number): number;
}

/** The model with weights that are rank 0's on all ranks, and its optimizer. */
export async function makeTrainer(settings: TrainerSettings, tf: Tf): Promise<Trainer> {
  const model = build(tf, settings);
  model.initialize(new TruncatedNormal(settings.seed));
  const own = makeOptimizer(tf, settings.optimizer, settings.learning_rate);
  const communicates = settings.variable_update !== 'independent';
  const optimizer = shared(own, settings);
  if (settings.variable_update === 'collective') await ring.broadcastWeights(model.layers);
  return {
    parameters: model.layers.countParams(),
    step({ images, labels }) {
      const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, model.logits(images)), true)!;
      const [value] = loss.dataSync();
      loss.dispose();
      return value!;
    },
    meanOverRanks(loss) {
      return communicates ? ring.allreduceSync(Float64Array.of(loss), { name: 'loss' })[0]! : loss;
    },
  };
}

/** The optimizer as `variable_update` has it step. */
function shared(own: Optimizer, settings: TrainerSettings): Optimizer {
  const { cross_replica_sync: sync = false, max_staleness: maxStaleness } = settings;
  switch (settings.variable_update) {
    case 'collective':
      return new ring.DistributedOptimizer(own, {
        ...(settings.overlap !== undefined && { overlap: settings.overlap }),
        compression: settings.compression,
      });
    case 'parameter_server':
      return new ring.ParameterServerOptimizer(own, { sync, ...(maxStaleness === undefined ? {} : { maxStaleness }) });
    case 'independent':
      return own;
  }
}

function build(tf: Tf, settings: TrainerSettings): BuiltModel {
  const { model, image_size: imageSize, num_classes: numClasses, data_format: dataFormat } = settings;
  try {
    return buildModel(tf, model, { imageSize, numClasses, dataFormat });
  } catch (error) {
    throw new UsageError(`--model ${model} --image_size ${imageSize}: ${firstLine(error)}`);
  }
}
