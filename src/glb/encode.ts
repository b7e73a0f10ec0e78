import type { Sharp } from 'sharp';
import sharp from '../sharp.js';
import type { Picture } from './label.js';

/** What clients show at most: base64 of it stays far under the 1 MB that the strictest one takes. */
export const MAX_IMAGE_BYTES = 200_000;

export interface EncodedImage {
  image: Uint8Array;
  mimeType: 'image/png' | 'image/jpeg';
}

/** PNG when it fits, else JPEG in the best quality that does. */
export async function encodePicture({ data, width, height }: Picture): Promise<EncodedImage> {
  const picture = (): Sharp => sharp(data, { raw: { width, height, channels: 3 } });
  const png = await picture().png().toBuffer();
  if (png.length <= MAX_IMAGE_BYTES) return { image: png, mimeType: 'image/png' };
  let image = png;
  for (const quality of [94, 90, 85, 78, 70, 60, 50, 38, 25, 12, 1]) {
    const chromaSubsampling = quality > 80 ? '4:4:4' : '4:2:0';
    image = await picture().jpeg({ quality, chromaSubsampling }).toBuffer();
    if (image.length <= MAX_IMAGE_BYTES) break;
  }
  return { image, mimeType: 'image/jpeg' };
}
