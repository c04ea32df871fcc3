import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { example, framed } from './record-writer.js';
import { shuffled } from '../../lib/training/shuffle.js';

export interface MadeImages {
  readonly images: number;
  /** Labels are spread over so many. */
  readonly classes: number;
  readonly format: 'imagenet' | 'folders';
}

/**
 * A folder of images that are like ImageNet's to those who read them: JPEGs of 500 x 375 pixels and about 100 KB, as TFRecord files with
 * ImageNet's features (100 images each) or in a folder for each class. What they show is waves and noise.
 */
export async function makeImages(folder: string, { images, classes, format }: MadeImages): Promise<void> {
  const { Transformer } = await import('@napi-rs/image');
  const jpeg = (image: number) => Transformer.fromRgbaPixels(pixels(image), width, height).jpegSync(80);
  mkdirSync(folder, { recursive: true });
  if (format === 'folders') {
    for (let image = 0; image < images; image++) {
      const place = path.join(folder, `class-${String(image % classes).padStart(4, '0')}`);
      mkdirSync(place, { recursive: true });
      writeFileSync(path.join(place, `${image}.jpg`), jpeg(image));
    }
    return;
  }
  const files = Math.ceil(images / imagesInFile);
  for (let file = 0; file < files; file++) {
    const here = Array.from(
      { length: Math.min(imagesInFile, images - file * imagesInFile) },
      (_, i) => file * imagesInFile + i,
    );
    const records = here.map((image) =>
      framed(
        example({
          'image/encoded': { bytes: [jpeg(image)] },
          'image/class/label': { ints: [1 + (image % classes)] },
          'image/height': { ints: [height] },
          'image/width': { ints: [width] },
        }),
      ),
    );
    const number = (value: number) => String(value).padStart(5, '0');
    writeFileSync(path.join(folder, `train-${number(file)}-of-${number(files)}`), Buffer.concat(records));
  }
}

const [width, height] = [500, 375];
const imagesInFile = 100;

/** Another picture for each number, the same on every machine. Its grain is there for JPEG to have as much to do as with photographs. */
function pixels(image: number): Uint8Array {
  const bytes = new Uint8Array(4 * width * height);
  const grain = shuffled(1024, image);
  const [across, down] = [20 + (image % 17), 15 + (image % 23)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const place = 4 * (y * width + x);
      const wave = 110 + 60 * Math.sin((x + image) / across) + 40 * Math.cos(y / down);
      const noise = grain[(y * 37 + x * 11) % 1024]! / 32;
      bytes[place] = wave + noise;
      bytes[place + 1] = wave / 2 + 2 * noise;
      bytes[place + 2] = 255 - wave;
      bytes[place + 3] = 255;
    }
  }
  return bytes;
}
