import type { Picture } from './label.js';

/** What clients show at most: base64 of it stays far under the 1 MB that the strictest one takes. */
export const MAX_IMAGE_BYTES = 200_000;

export interface EncodedImage {
  image: Uint8Array;
  mimeType: 'image/png' | 'image/jpeg';
}

/** PNG when it fits, else JPEG in the best quality that does. */
export async function encodePicture({ data, width, height }: Picture): Promise<EncodedImage> {
  const { default: sharp } = await import('sharp');
  const picture = (): ReturnType<typeof sharp> => sharp(data, { raw: { width, height, channels: 3 } });
  const png = await picture().png({ compressionLevel: 8 }).toBuffer();
  if (png.length <= MAX_IMAGE_BYTES) return { image: png, mimeType: 'image/png' };
  let image = png;
  for (const quality of [92, 85, 76, 64, 50, 36, 22, 10, 1]) {
    const chromaSubsampling = quality > 80 ? '4:4:4' : '4:2:0';
    image = await picture().jpeg({ quality, chromaSubsampling, mozjpeg: true }).toBuffer();
    if (image.length <= MAX_IMAGE_BYTES) break;
  }
  return { image, mimeType: 'image/jpeg' };
}
