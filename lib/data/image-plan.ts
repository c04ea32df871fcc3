import { invalid } from '../arguments.js';
import type { ImageOptions } from './options.js';
import type { ImagePlan } from './tasks.js';

/** @throws {RingError} `RING_INVALID_ARGUMENT`: `normalize` does not go with the channels */
export function imagePlan(where: string, options: ImageOptions): ImagePlan {
  const { imageSize, crop = 'center', flip = false, channels = 3, normalize } = options;
  const [height, width] = typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
  const each = (name: 'mean' | 'std', unit: number) => {
    const given = normalize?.[name] ?? unit;
    const list = typeof given === 'number' ? Array<number>(channels).fill(given) : given;
    if (list.length === channels && !(name === 'std' && list.includes(0))) return list;
    throw invalid(
      where,
      `normalize.${name} is [${list.join(', ')}]; ${channels} numbers${name === 'std' ? ', none of them 0' : ''}`,
    );
  };
  // (byte / 255 - mean) / std, as one subtraction and one product.
  const shift = normalize ? each('mean', 0).map((mean) => 255 * mean) : Array<number>(channels).fill(0);
  const factor = normalize ? each('std', 1).map((std) => 1 / (255 * std)) : Array<number>(channels).fill(1);
  return { height, width, channels, crop, flip, shift, factor };
}
