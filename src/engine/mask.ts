import { MeshwrightError } from '../errors.js';
import { cutFromBackdrop } from './backdrop.js';
import { regionsOf } from './regions.js';
import type { Mask, PixelBox, Pixels } from './types.js';

/** The object's outline in one picture. */

const INSIDE = 255;
/** A mask over this share of the frame is no silhouette. */
const COVERED = 0.985;
/** Regions under this share of the object are specks. */
const SPECK = 0.001;
/** Least width and height of an object in pixels. */
const SMALLEST = 8;

export interface CutOutOptions {
  /** A picture of the silhouette, sent along: white, or opaque where it has transparent parts. */
  given?: Pixels | undefined;
  /** The argument the picture came in, for errors. */
  field?: string;
  /** The argument the silhouette came in. */
  givenField?: string;
}

/**
 * Finds the object: by the given silhouette, by the alpha channel, or as what differs from a plain backdrop.
 *
 * @throws MeshwrightError `invalid_image` when there is no object, or nothing but object
 */
export function cutOut(pixels: Pixels, options: CutOutOptions = {}): Mask {
  const { given, field = 'image_url', givenField = 'mask_url' } = options;
  const mask = given ? fromGiven(pixels, given, givenField) : fromPicture(pixels);
  refuseUseless(mask, given ? givenField : field);
  return mask;
}

/** The smallest box around a mask. */
export function boxOf({ width, height, data }: Pick<Mask, 'width' | 'height' | 'data'>): PixelBox {
  const box = { x0: width, y0: height, x1: 0, y1: 0 };
  for (let j = 0; j < height; j += 1) {
    for (let i = 0; i < width; i += 1) {
      if ((data[j * width + i] ?? 0) === 0) continue;
      if (i < box.x0) box.x0 = i;
      if (i >= box.x1) box.x1 = i + 1;
      if (j < box.y0) box.y0 = j;
      box.y1 = j + 1;
    }
  }
  return box;
}

function fromPicture(pixels: Pixels): Mask {
  return fromAlpha(pixels) ?? fromBackdrop(pixels);
}

function fromGiven(pixels: Pixels, given: Pixels, field: string): Mask {
  const stretch = (given.width * pixels.height) / (given.height * pixels.width);
  if (stretch < 0.95 || stretch > 1.05) {
    throw new MeshwrightError(
      'invalid_image',
      `The mask has another shape than the picture: ${given.width} x ${given.height} against ${pixels.width} x ${pixels.height} pixels. Send a mask of the same picture, in the same proportions.`,
      { field },
    );
  }
  const opaque = hasTransparency(given);
  const { width, height } = pixels;
  const data = new Uint8Array(width * height);
  const values = new Uint8Array(width * height);
  for (let j = 0; j < height; j += 1) {
    const row = Math.floor(((j + 0.5) * given.height) / height) * given.width;
    for (let i = 0; i < width; i += 1) {
      const at = 4 * (row + Math.floor(((i + 0.5) * given.width) / width));
      const value = opaque
        ? (given.data[at + 3] ?? 0)
        : ((given.data[at] ?? 0) + (given.data[at + 1] ?? 0) + (given.data[at + 2] ?? 0)) / 3;
      values[j * width + i] = value;
      if (value > 127) data[j * width + i] = INSIDE;
    }
  }
  return { width, height, data, soft: soften(data, values, width, height), method: 'given', confidence: 1 };
}

function hasTransparency({ width, height, data }: Pixels): boolean {
  let clear = 0;
  for (let at = 3; at < data.length; at += 4) if ((data[at] ?? 0) < 128) clear += 1;
  return clear > 0.002 * width * height;
}

function fromAlpha(pixels: Pixels): Mask | undefined {
  if (!hasTransparency(pixels)) return undefined;
  const { width, height } = pixels;
  const data = new Uint8Array(width * height);
  const alpha = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at += 1) {
    alpha[at] = pixels.data[4 * at + 3] ?? 0;
    if ((alpha[at] ?? 0) >= 128) data[at] = INSIDE;
  }
  dropSpecks(data, width, height);
  const confidence = 1 - Math.min(0.6, 2 * borderContact(data, width, height));
  return { width, height, data, soft: soften(data, alpha, width, height), method: 'alpha', confidence };
}

function fromBackdrop(pixels: Pixels): Mask {
  const { width, height } = pixels;
  const { data, coverage, clearness } = cutFromBackdrop(pixels);
  dropSpecks(data, width, height);
  const confidence = clearness * (1 - Math.min(0.8, borderContact(data, width, height)));
  return {
    width,
    height,
    data,
    soft: soften(data, coverage, width, height),
    method: 'border',
    confidence: Math.round(100 * confidence) / 100,
  };
}

/** The mask with `coverage` for the pixels on its outline; each stays on its side of one half. */
function soften(data: Uint8Array, coverage: Uint8Array, width: number, height: number): Uint8Array {
  const soft = data.slice();
  for (let j = 1; j < height - 1; j += 1) {
    for (let i = 1; i < width - 1; i += 1) {
      const at = j * width + i;
      const own = data[at] ?? 0;
      if (
        data[at - 1] === own &&
        data[at + 1] === own &&
        data[at - width] === own &&
        data[at + width] === own
      )
        continue;
      const value = coverage[at] ?? 0;
      soft[at] = own > 0 ? Math.max(128, value) : Math.min(127, value);
    }
  }
  return soft;
}

function dropSpecks(data: Uint8Array, width: number, height: number): void {
  const regions = regionsOf(data, width, height, INSIDE);
  const total = regions.reduce((sum, { at }) => sum + at.length, 0);
  for (const { at } of regions) {
    if (at.length >= SPECK * total && at.length >= 4) continue;
    for (const p of at) data[p] = 0;
  }
}

/** Share of the picture's border that the object touches. */
function borderContact(data: Uint8Array, width: number, height: number): number {
  let count = 0;
  for (let i = 0; i < width; i += 1) {
    if (data[i]) count += 1;
    if (data[(height - 1) * width + i]) count += 1;
  }
  for (let j = 0; j < height; j += 1) {
    if (data[j * width]) count += 1;
    if (data[j * width + width - 1]) count += 1;
  }
  return count / (2 * (width + height));
}

function refuseUseless({ width, height, data }: Mask, field: string): void {
  let count = 0;
  for (const value of data) if (value > 0) count += 1;
  const box = boxOf({ width, height, data });
  if (count === 0 || box.x1 - box.x0 < SMALLEST || box.y1 - box.y0 < SMALLEST) {
    throw new MeshwrightError(
      'invalid_image',
      field === 'mask_url'
        ? 'The mask marks no object. Send one in which the object is white, or opaque, and the rest black or transparent.'
        : `No object was found in ${field}: the picture is empty or of one colour, or its background is too busy. Send a picture of one whole object on a plain or transparent background${field === 'image_url' ? ', or a mask in mask_url' : ''}.`,
      { field },
    );
  }
  if (count > COVERED * width * height) {
    throw new MeshwrightError(
      'invalid_image',
      `The object fills the whole frame of ${field}, so it has no outline. Send a picture with some background around the object, a cut-out with transparency, or a mask in mask_url.`,
      { field },
    );
  }
}
