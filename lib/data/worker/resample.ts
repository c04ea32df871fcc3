/** Bytes of a picture, row by row, the channels of a pixel side by side. */
export interface Pixels {
  readonly data: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 colours, 4 colours and alpha. */
  readonly channels: number;
}

/** A part of a picture, in pixels; edges need not be whole. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A part of a picture at another size: bilinear, over as many pixels as go into one (so that making a picture smaller leaves no noise), as
 * Pillow's and `tf.image.resize` with `antialias` do. Alpha is left out.
 *
 * @param out - [height, width, colours] values 0 to 255, where colours are 1 or 3 as the picture's
 */
export function resample(pixels: Pixels, box: Box, height: number, width: number, out: Float32Array): void {
  const colours = coloursOf(pixels);
  const scale = pixels.data instanceof Uint16Array ? 1 / 257 : 1;
  const across = weightsOf(box.left, box.width, width, pixels.width);
  const down = weightsOf(box.top, box.height, height, pixels.height);
  const firstRow = down.begins[0]!;
  const lastRow = down.begins[height - 1]! + down.counts[height - 1]! - 1;
  const rowLength = width * colours;
  const narrow = new Float32Array((lastRow - firstRow + 1) * rowLength);
  const { data, channels } = pixels;
  for (let row = firstRow; row <= lastRow; row++) {
    const from = row * pixels.width * channels;
    let to = (row - firstRow) * rowLength;
    for (let x = 0; x < width; x++) {
      const [begin, count, weights] = [across.begins[x]!, across.counts[x]!, x * across.most];
      for (let colour = 0; colour < colours; colour++) {
        let sum = 0;
        let place = from + begin * channels + colour;
        for (let i = 0; i < count; i++, place += channels) sum += across.weights[weights + i]! * data[place]!;
        narrow[to++] = sum * scale;
      }
    }
  }
  out.fill(0);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < down.counts[y]!; i++) {
      const weight = down.weights[y * down.most + i]!;
      const from = (down.begins[y]! + i - firstRow) * rowLength;
      const to = y * rowLength;
      for (let x = 0; x < rowLength; x++) out[to + x]! += weight * narrow[from + x]!;
    }
  }
}

export function coloursOf({ channels }: Pixels): 1 | 3 {
  return channels < 3 ? 1 : 3;
}

interface Weights {
  /** For each place of the result, the first that goes into it, how many do, and `most` weights that add up to 1. */
  readonly begins: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Float32Array;
  readonly most: number;
}

function weightsOf(start: number, length: number, size: number, limit: number): Weights {
  const scale = length / size;
  const reach = Math.max(1, scale);
  const most = Math.ceil(2 * reach) + 1;
  const [begins, counts] = [new Int32Array(size), new Int32Array(size)];
  const weights = new Float32Array(size * most);
  for (let place = 0; place < size; place++) {
    const middle = start + (place + 0.5) * scale;
    const begin = Math.min(limit - 1, Math.max(0, Math.floor(middle - reach + 0.5)));
    const end = Math.max(begin + 1, Math.min(limit, Math.floor(middle + reach + 0.5)));
    let sum = 0;
    for (let i = begin; i < end; i++) {
      const weight = Math.max(0, 1 - Math.abs(i + 0.5 - middle) / reach);
      weights[place * most + i - begin] = weight;
      sum += weight;
    }
    if (sum === 0) weights[place * most] = sum = 1;
    for (let i = begin; i < end; i++) weights[place * most + i - begin]! /= sum;
    begins[place] = begin;
    counts[place] = end - begin;
  }
  return { begins, counts, weights, most };
}
