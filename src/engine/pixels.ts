import sharp from 'sharp';
import { MeshwrightError, messageOf } from '../errors.js';
import type { Pixels } from './types.js';

/** Longest side that is worked on: finer detail than the mesh and its texture can hold. */
export const MAX_SIDE = 1024;

const MAX_PIXELS = 50_000_000;

/**
 * Decodes a picture (PNG, JPEG, WebP and what else sharp reads; the first frame of an animation) upright, as 8-bit
 * sRGB with alpha, its longest side at most `maxSide`.
 *
 * @param field The argument it came in, for the error.
 * @throws MeshwrightError `invalid_image` when it cannot be read
 */
export async function decode(image: Uint8Array, field: string, maxSide = MAX_SIDE): Promise<Pixels> {
  try {
    const { data, info } = await sharp(image, { limitInputPixels: MAX_PIXELS, pages: 1 })
      .rotate()
      .resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true })
      // sRGB also for grey, CMYK, 16-bit and wide-gamut pictures.
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    };
  } catch (error) {
    throw new MeshwrightError(
      'invalid_image',
      `The picture in ${field} cannot be decoded (${messageOf(error)}). Send a PNG, JPEG or WebP of at most 50 megapixels.`,
      { field, cause: error },
    );
  }
}
