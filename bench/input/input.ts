import type { Tensor4D } from '@tensorflow/tfjs';
import * as ring from '../../lib/index.js';
import { UsageError } from '../main.js';
import type { Tf } from '../models/net.js';
import { type Batch, syntheticBatch } from '../synthetic.js';
import type { TrainOptions } from '../train-options.js';
import { findData } from './find-data.js';

export type InputSettings = Pick<
  TrainOptions,
  'batch_size' | 'num_classes' | 'seed' | 'data_dir' | 'data_name' | 'datasets_num_private_threads'
> & { readonly image_size: number };

/** Where the batches of a rank come from. */
export interface Input {
  /** As tf_cnn_benchmarks has it in its header. */
  readonly name: string;
  /** The next batch; it is the input's, and gone with the next call. Epochs follow each other without an end. */
  next(): Promise<Batch>;
  close(): void;
}

/** @throws {UsageError} there are no images in `data_dir` */
export function openInput(tf: Tf, settings: InputSettings): Promise<Input> {
  return settings.data_dir === undefined ? Promise.resolve(syntheticInput(tf, settings)) : real(tf, settings);
}

/** One batch, used at every step. */
export function syntheticInput(tf: Tf, settings: InputSettings): Input {
  const { batch_size: batch, image_size: size, num_classes: classes, seed } = settings;
  const made = syntheticBatch(tf, batch, size, classes, seed + 1 + ring.rank());
  return {
    name: 'imagenet (synthetic)',
    next: () => Promise.resolve(made),
    close: () => tf.dispose([made.images, made.labels]),
  };
}

async function real(tf: Tf, settings: InputSettings): Promise<Input> {
  const { batch_size: batchSize, num_classes: numClasses, image_size: imageSize, seed } = settings;
  const data = findData(settings.data_dir!, settings.data_name);
  const options = {
    ...{ batchSize, seed, smallLastBatch: false },
    ...(settings.datasets_num_private_threads && { workers: settings.datasets_num_private_threads }),
  };
  // As tf_cnn_benchmarks distorts pictures, and to the values that it trains with, -1 to 1.
  const image = { imageSize, crop: 'random', flip: true, normalize: { mean: 0.5, std: 0.5 } } as const;
  const dataset =
    data.name === 'folders'
      ? await ring.data.imageFolder(data.folder, { ...options, ...image })
      : await ring.data.tfRecord(data.files, {
          ...options,
          features: { xs: { key: 'image/encoded', ...image }, ys: { key: 'image/class/label' } },
        });
  const lowest = data.name === 'imagenet' && numClasses < 1001 ? 1 : 0; // its labels count from 1, as 0 is the background
  if (dataset.size === 0) {
    dataset.close();
    throw new UsageError(`--data_dir: ${dataset.records} images do not fill a batch of ${batchSize} on every rank`);
  }
  let batches = dataset[Symbol.asyncIterator]();
  let last: Batch | undefined;
  return {
    name: data.name === 'folders' ? data.folder : 'imagenet',
    async next() {
      if (last) tf.dispose([last.images, last.labels]);
      let result = await batches.next();
      if (result.done === true) {
        batches = dataset[Symbol.asyncIterator]();
        result = await batches.next();
      }
      const { xs, ys } = result.value as { xs: Tensor4D; ys: Tensor4D };
      const labels = tf.tidy(() =>
        tf.oneHot(ys.flatten().sub(lowest).toInt(), numClasses).toFloat(),
      ) as Batch['labels'];
      ys.dispose();
      last = { images: xs, labels };
      return last;
    },
    close: () => {
      if (last) tf.dispose([last.images, last.labels]);
      dataset.close();
    },
  };
}
