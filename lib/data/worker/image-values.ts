import { randomNumbers } from '../../training/shuffle.js';
import type { ImagePlan } from '../tasks.js';
import { type Box, coloursOf, type Pixels, resample } from './resample.js';

/**
 * A picture as the model wants it: cropped, resized, perhaps mirrored, normalized.
 *
 * @param seed - of the random crop and flip
 * @param out - [height, width, channels]
 */
export function imageValues(pixels: Pixels, plan: ImagePlan, seed: number, out: Float32Array): void {
  const { height, width, channels } = plan;
  const random = randomNumbers(seed);
  const box = boxes[plan.crop](pixels, height / width, random);
  const colours = coloursOf(pixels);
  const same = colours === channels;
  const resized = same ? out : new Float32Array(height * width * colours);
  resample(pixels, box, height, width, resized);
  if (!same) changeColours(resized, colours, out);
  if (plan.flip && random() < 0.5) mirror(out, width, channels);
  for (let i = 0; i < out.length; i++) out[i] = (out[i]! - plan.shift[i % channels]!) * plan.factor[i % channels]!;
}

type ChooseBox = (pixels: Pixels, heightToWidth: number, random: () => number) => Box;

const boxes: Readonly<Record<ImagePlan['crop'], ChooseBox>> = { none: whole, center, random: randomBox };

function whole({ width, height }: Pixels): Box {
  return { left: 0, top: 0, width, height };
}

/** The largest part in the middle that has the right shape. */
function center({ width, height }: Pixels, heightToWidth: number): Box {
  const boxWidth = Math.min(width, height / heightToWidth);
  const boxHeight = boxWidth * heightToWidth;
  return { left: (width - boxWidth) / 2, top: (height - boxHeight) / 2, width: boxWidth, height: boxHeight };
}

/**
 * 8 to 100 % of the area at a ratio of 3/4 to 4/3 of the wanted one, anywhere: the crop of Inception's training, with the numbers that
 * torchvision's RandomResizedCrop and tf_cnn_benchmarks have. In the middle, where none of ten fits.
 */
function randomBox(pixels: Pixels, heightToWidth: number, random: () => number): Box {
  const { width, height } = pixels;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * (0.08 + 0.92 * random());
    const ratio = Math.exp((2 * random() - 1) * Math.log(4 / 3)) * heightToWidth;
    const boxWidth = Math.sqrt(area / ratio);
    const boxHeight = boxWidth * ratio;
    const [left, top] = [random() * (width - boxWidth), random() * (height - boxHeight)];
    if (boxWidth <= width && boxHeight <= height) return { left, top, width: boxWidth, height: boxHeight };
  }
  return center(pixels, heightToWidth);
}

/** Grey to colours, or colours to their brightness by ITU-R BT.601. */
function changeColours(from: Float32Array, colours: 1 | 3, out: Float32Array): void {
  if (colours === 1) for (let i = 0; i < out.length; i++) out[i] = from[Math.floor(i / 3)]!;
  else
    for (let i = 0; i < out.length; i++)
      out[i] = 0.299 * from[3 * i]! + 0.587 * from[3 * i + 1]! + 0.114 * from[3 * i + 2]!;
}

function mirror(values: Float32Array, width: number, channels: number): void {
  for (let row = 0; row < values.length; row += width * channels) {
    for (let left = 0, right = width - 1; left < right; left++, right--) {
      for (let channel = 0; channel < channels; channel++) {
        const [one, other] = [row + left * channels + channel, row + right * channels + channel];
        [values[one], values[other]] = [values[other]!, values[one]!];
      }
    }
  }
}
