import sharp from '../sharp.js';
import { MeshwrightError, messageOf } from '../errors.js';
import type { Pixels } from './types.js';

/** Longest side that is worked on: finer detail than the mesh and its texture can hold. */
export const MAX_SIDE = 1024;

const MAX_PIXELS = 50_000_000;

/** A part of a picture, as shares of its width and height. */
export interface Region {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface Decoded extends Pixels {
  /** How many times more pixels the file has along each side. */
  finer: number;
}

/**
 * Decodes a picture (PNG, JPEG, WebP and what else sharp reads; the first frame of an animation) upright, as 8-bit
 * sRGB with alpha, its longest side at most `MAX_SIDE`.
 *
 * @param field The argument it came in, for the error.
 * @param region The part to decode; all of it when absent.
 * @throws MeshwrightError `invalid_image` when it cannot be read
 */
export async function decode(image: Uint8Array, field: string, region?: Region): Promise<Decoded> {
  try {
    const source = sharp(image, { limitInputPixels: MAX_PIXELS, pages: 1 });
    const { width, height } = (await source.metadata()).autoOrient;
    source.autoOrient();
    const part = region && pixelsOf(region, width, height);
    if (part) source.extract(part);
    const { data, info } = await source
      .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true })
      // sRGB also for grey, CMYK, 16-bit and wide-gamut pictures.
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
      finer: (part?.width ?? width) / info.width,
    };
  } catch (error) {
    throw new MeshwrightError(
      'invalid_image',
      `The picture in ${field} cannot be decoded (${messageOf(error)}). Send a PNG, JPEG or WebP of at most 50 megapixels.`,
      { field, cause: error },
    );
  }
}

function pixelsOf(
  { x0, y0, x1, y1 }: Region,
  width: number,
  height: number,
): { left: number; top: number; width: number; height: number } {
  const left = Math.floor(x0 * width);
  const top = Math.floor(y0 * height);
  return {
    left,
    top,
    width: Math.max(1, Math.ceil(x1 * width) - left),
    height: Math.max(1, Math.ceil(y1 * height) - top),
  };
}
