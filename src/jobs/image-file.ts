import type { Sharp, SharpOptions } from 'sharp';
import { MeshwrightError } from '../errors.js';
import { foreignKind } from './foreign-kind.js';
import { readImageHeader, type ImageHeader } from './image-header.js';

/** Whether bytes are an image that every provider takes, and the same image as PNG where they are not. */

/** Largest image file, in bytes. */
export const MAX_IMAGE_BYTES = 20 * 1024 * 1024;
const MAX_PIXELS = 50_000_000;
/** Its decoder takes 18 bytes of memory per pixel, the others 9 at most. */
const MAX_AVIF_PIXELS = 20_000_000;
/** Its decoder takes 6 to 9 bytes per pixel at once. */
const MAX_PROGRESSIVE_PIXELS = 40_000_000;
const DECODE_SECONDS = 30;

export type SentFormat = 'png' | 'jpeg' | 'webp';

export interface CheckedImage {
  /** What to send: the bytes as they came, or the converted ones. */
  bytes: Uint8Array;
  format: SentFormat;
  mimeType: `image/${SentFormat}`;
  /** Pixels as stored: a photo may ask to be turned when it is shown (EXIF orientation). */
  width: number;
  height: number;
  /** Whether it came in another format, or with more than one frame. */
  converted: boolean;
}

/**
 * The bytes decide, not name or type. PNG, JPEG and WebP are taken as they are, after a full decode; AVIF, TIFF
 * and the first frame of a GIF or of an animated WebP become PNG.
 *
 * @param field the argument that the image was given in, for the errors
 * @throws MeshwrightError `invalid_image`, `too_large`
 */
export async function checkImage(bytes: Uint8Array, field: string): Promise<CheckedImage> {
  if (bytes.length === 0) throw invalid(field, 'is an empty file (0 bytes)', 'Send the image again.');
  if (bytes.length > MAX_IMAGE_BYTES) throw tooLarge(field, `has ${inMiB(bytes.length)} MiB`);
  const header = readImageHeader(bytes);
  if (!header || header.preview) {
    throw invalid(field, `is ${foreignKind(bytes, header?.preview)}, not an image that can be used`);
  }
  checkSize(header, bytes.length, field);
  const { format, width, height } = header;
  if (format === 'gif' || format === 'tiff' || format === 'avif' || header.animated)
    return toPng(bytes, field);
  // A shrink to one pixel decodes everything and keeps nothing.
  await decode(bytes, field, (image) => image.resize(1, 1, { fit: 'fill' }).raw());
  return { bytes, format, mimeType: `image/${format}`, width, height, converted: false };
}

function checkSize(
  { width, height, format, pixelsPerByte, progressive }: ImageHeader,
  bytes: number,
  field: string,
): void {
  if (width === 0 || height === 0) {
    throw invalid(
      field,
      `is a damaged ${format.toUpperCase()} file, or one without pixels`,
      'Send the image again.',
    );
  }
  const most = format === 'avif' ? MAX_AVIF_PIXELS : progressive ? MAX_PROGRESSIVE_PIXELS : MAX_PIXELS;
  if (width * height > most) {
    const megapixels = Math.ceil((width * height) / 1e6);
    throw invalid(
      field,
      `has ${width} × ${height} pixels, ${megapixels} megapixels`,
      `Scale it down to ${most / 1e6} megapixels or less; 2048 × 2048 is plenty.`,
    );
  }
  // Some decoders fill in what is missing, and take the memory for all of it.
  if (width * height > pixelsPerByte * bytes) {
    throw invalid(
      field,
      `says that it has ${width} × ${height} pixels, which ${bytes} bytes of ${format.toUpperCase()} cannot hold: it is cut off or was made to exhaust memory`,
      'Send the image again.',
    );
  }
}

async function toPng(bytes: Uint8Array, field: string): Promise<CheckedImage> {
  // The turn that the file asks for is made here: PNG readers would not look for it.
  const { data, info } = await decode(bytes, field, (image) =>
    image.autoOrient().toColourspace('srgb').png(),
  );
  if (data.length > MAX_IMAGE_BYTES) {
    throw tooLarge(field, `has ${inMiB(data.length)} MiB after it was converted to PNG`);
  }
  return {
    bytes: data,
    format: 'png',
    mimeType: 'image/png',
    width: info.width,
    height: info.height,
    converted: true,
  };
}

/** One at a time: a progressive JPEG of 40 megapixels takes 300 MB while it is decoded. */
let turn: Promise<unknown> = Promise.resolve();

function decode(bytes: Uint8Array, field: string, make: (image: Sharp) => Sharp): ReturnType<typeof run> {
  const mine = turn.then(() => run(bytes, field, make));
  turn = mine.catch(() => undefined);
  return mine;
}

async function run(
  bytes: Uint8Array,
  field: string,
  make: (image: Sharp) => Sharp,
): Promise<{ data: Buffer; info: { width: number; height: number } }> {
  const { default: sharp } = await import('../sharp.js');
  const options: SharpOptions = { limitInputPixels: MAX_PIXELS, failOn: 'error', sequentialRead: true };
  try {
    return await make(sharp(bytes, options))
      .timeout({ seconds: DECODE_SECONDS })
      .toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw invalid(
      field,
      'is damaged or cut off: it cannot be decoded',
      'Send the image again, or save it as PNG.',
      error,
    );
  }
}

function invalid(
  field: string,
  what: string,
  advice = 'Send the image itself, as PNG, JPEG or WebP.',
  cause?: unknown,
): MeshwrightError {
  return new MeshwrightError('invalid_image', `${field} ${what}. ${advice}`, { field, cause });
}

function tooLarge(field: string, what: string): MeshwrightError {
  return new MeshwrightError(
    'too_large',
    `${field} ${what}; at most ${MAX_IMAGE_BYTES / 1024 / 1024} MiB can be used. Scale it down, or save it as JPEG or WebP.`,
    { field },
  );
}

function inMiB(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
