import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { SetupFailure } from './failure.js';

/**
 * What is needed of the wheels of TensorFlow and of NVIDIA's libraries: TensorFlow's two libraries, the headers that
 * tfjs-node's binding includes, directly or not, and what TensorFlow loads at run time on a GPU.
 */
export const wantedFiles = new RegExp(
  [
    String.raw`^tensorflow/libtensorflow_(cc|framework)\.so\.2$`,
    String.raw`^tensorflow/include/tensorflow/(c|core/platform|core/common_runtime/next_pluggable_device/c)/.*\.h$`,
    String.raw`^tensorflow/include/(.*/)?tsl/(c|platform)/.*\.h$`,
    String.raw`^nvidia/[^/]+/(lib/.*\.so[.\d]*|nvvm/.*|bin/ptxas)$`,
  ].join('|'),
);

/**
 * Unpacks the files of a wheel whose names match, under their names in it.
 *
 * @throws {SetupFailure} not a wheel, or nothing in it matches
 */
export async function extractWheel(wheel: string, wanted: RegExp, folder: string): Promise<void> {
  const zip = await open(wheel);
  let count = 0;
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', resolve);
    zip.on('entry', (entry: yauzl.Entry) => {
      if (!wanted.test(entry.fileName)) {
        zip.readEntry();
        return;
      }
      count++;
      unpack(zip, entry, join(folder, entry.fileName)).then(() => zip.readEntry(), reject);
    });
    zip.readEntry();
  });
  if (count === 0) throw new SetupFailure(`${wheel} has none of the files that are needed`);
}

function open(path: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    // yauzl refuses names that lead out of the folder, and checks the sizes of entries.
    yauzl.open(path, { lazyEntries: true }, (error, zip) => {
      if (error) reject(new SetupFailure(`cannot read ${path}: ${error.message}`, { cause: error }));
      else resolve(zip);
    });
  });
}

async function unpack(zip: yauzl.ZipFile, entry: yauzl.Entry, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const content = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
  const unixMode = entry.externalFileAttributes >>> 16;
  await pipeline(content, createWriteStream(path, { mode: unixMode & 0o111 ? 0o755 : 0o644 }));
}
