import { brokenData, reasonOf } from '../broken-data.js';
import { optionalPackage } from '../optional-package.js';
import type { Pixels } from './resample.js';

/** Makes pixels of the content of a file; `where` names it in errors. */
export type DecodeImage = (content: Uint8Array, where: string) => Pixels;

/** JPEG, PNG, WebP, BMP, TIFF and what else the package knows, by their content and not by their names. */
export async function imageDecoder(): Promise<DecodeImage> {
  const { Transformer } = await optionalPackage('@napi-rs/image', 'images', () => import('@napi-rs/image'));
  return (content, where) => {
    if (content.length === 0) throw brokenData(where, 'it is empty');
    refuseCutJpeg(content, where);
    try {
      const picture = new Transformer(content);
      const { width, height, colorType } = picture.metadataSync();
      return { width, height, ...samples(picture.rawPixelsSync(), colorType) };
    } catch (error) {
      throw brokenData(where, `it is no image that can be decoded (${reasonOf(error)})`, error);
    }
  };
}

/** By the package's numbers: L8, La8, Rgb8, Rgba8, and the same with 16 bits. */
function samples(bytes: Buffer, colorType: number): Pick<Pixels, 'data' | 'channels'> {
  if (colorType < 4) return { data: bytes, channels: colorType + 1 };
  if (colorType > 7) throw new Error('its values are floats, not bytes');
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  return { data: new Uint16Array(own), channels: colorType - 3 };
}

/** The decoder fills what a JPEG lacks with grey. Its end mark (FF D9) stands behind the last of its scans (FF DA). */
function refuseCutJpeg(content: Uint8Array, where: string): void {
  if (content[0] !== 0xff || content[1] !== 0xd8) return;
  const buffer = Buffer.from(content.buffer, content.byteOffset, content.length);
  if (buffer.lastIndexOf('ffd9', undefined, 'hex') > buffer.lastIndexOf('ffda', undefined, 'hex')) return;
  throw brokenData(where, `the JPEG ends after ${content.length} bytes without an end mark: it was cut off`);
}
