import { readdirSync } from 'node:fs';
import path from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { invalid } from '../arguments.js';
import type { RankDataset } from './dataset.js';
import { isFolder, sortedNames } from './files.js';
import { imagePlan } from './image-plan.js';
import { openDataset } from './open.js';
import {
  checkOptions,
  type DataOptions,
  dataShape,
  type ImageOptions,
  imageShape,
  type MapOptions,
} from './options.js';
import { recordSource } from './record-source.js';

/** `xs` is [batch, height, width, channels], `ys` as `labelMode` has it; both float32. */
export type ImageBatch = { xs: tf.Tensor4D; ys: tf.Tensor };
export type ImageFolderOptions<U extends tf.TensorContainer = ImageBatch> = DataOptions &
  ImageOptions &
  MapOptions<ImageBatch, U> & {
    /** `'int'`: `ys` is [batch], the numbers of classes, for tfjs's sparse losses (default); `'categorical'`: [batch, classes], one 1 a row. */
    labelMode?: 'int' | 'categorical';
  };

const where = 'data.imageFolder';
const pictures = /\.(jpe?g|png|webp|bmp|tiff?)$/i;

/**
 * Pictures in folders, one a class, whose names in order are the classes (as Keras and torchvision have it); also in folders below. Needs the
 * package `@napi-rs/image`.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT`; `RING_UNSUPPORTED`: the package is missing. Batches throw `RING_DATA` for a broken picture
 */
export async function imageFolder<U extends tf.TensorContainer = ImageBatch>(
  folder: string,
  options: ImageFolderOptions<U>,
): Promise<RankDataset<U>> {
  const labelMode = z.enum(['int', 'categorical']).optional();
  checkOptions(where, { ...dataShape, ...imageShape, labelMode }, options);
  const image = imagePlan(where, options);
  return openDataset<U>(where, options, false, async ({ pool }) => {
    const { classNames, files, labels } = listPictures(folder);
    await pool.run('checkImages', null);
    const source = recordSource(files.length, (records, seeds, skip) =>
      pool.run('readImages', {
        ...{ image, seeds, skip },
        classes: options.labelMode === 'categorical' ? classNames.length : 0,
        files: records.map((record) => files[record]!),
        labels: records.map((record) => labels[record]!),
      }),
    );
    return { source, classNames };
  });
}

function listPictures(folder: string): { classNames: string[]; files: string[]; labels: number[] } {
  if (!isFolder(where, folder)) throw invalid(where, `${folder} is no folder`);
  const entries = readdirSync(folder, { withFileTypes: true });
  const isClass = (name: string) => !name.startsWith('.') && isFolder(where, path.join(folder, name));
  const classNames = sortedNames(entries.map(({ name }) => name).filter(isClass));
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of classNames.entries()) {
    const all = readdirSync(path.join(folder, name), { recursive: true, encoding: 'utf8' });
    for (const file of sortedNames(all.filter((each) => pictures.test(each)))) {
      files.push(path.join(folder, name, file));
      labels.push(label);
    }
  }
  if (files.length === 0) throw invalid(where, `no pictures in folders of ${folder}; each class is a folder in it`);
  return { classNames, files, labels };
}
