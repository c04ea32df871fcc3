import { readdirSync } from 'node:fs';
import path from 'node:path';
import { firstLine } from '../backend.js';
import { UsageError } from '../main.js';
import type { TrainOptions } from '../train-options.js';

/** Images that a folder holds: ImageNet in TFRecord files, or a folder for each class. */
export type FoundData =
  | { readonly name: 'imagenet'; readonly files: readonly string[] }
  | { readonly name: 'folders'; readonly folder: string };

/** @param wanted - what it is to be; otherwise what it looks like @throws {UsageError} it is neither */
export function findData(folder: string, wanted: TrainOptions['data_name']): FoundData {
  for (const place of [path.join(folder, 'train'), folder]) {
    const entries = list(place, place === folder);
    const records = entries.filter((entry) => entry.isFile() && /^train-/.test(entry.name)).map(({ name }) => name);
    if (records.length > 0 && wanted !== 'folders')
      return { name: 'imagenet', files: records.sort().map((name) => path.join(place, name)) };
    if (entries.some((entry) => entry.isDirectory()) && wanted !== 'imagenet')
      return { name: 'folders', folder: place };
  }
  const kinds = { imagenet: 'TFRecord files train-*', folders: 'folder for each class' };
  throw new UsageError(
    `--data_dir ${folder}: it has no ${wanted ? kinds[wanted] : Object.values(kinds).join(', and no ')}`,
  );
}

function list(folder: string, mustBeThere: boolean) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (mustBeThere) throw new UsageError(`--data_dir: ${firstLine(error)}`);
    return [];
  }
}
