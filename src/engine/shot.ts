import { MeshwrightError } from '../errors.js';
import { fieldOf } from './advice.js';
import { boxOf, cutOut } from './mask.js';
import type { Shot } from './outlines.js';
import type { Decoded, Region } from './pixels.js';
import { decode } from './pixels.js';
import type { Mask, Pixels, ViewName } from './types.js';

/** Backdrop kept around the object when a large picture is cropped to it, as a share of the object. */
const MARGIN = 0.12;
/** A crop has to bring this many times the pixels along each side to be worth it. */
const WORTH = 1.25;
/** Confidence from which the mask of a crop is taken. */
const SURE_ENOUGH = 0.6;
/** The box of the object may move this much between the two, as a share of the crop. */
const SHIFT = 0.04;

/**
 * Decodes a picture and cuts the object out. A large picture is decoded once more, cropped to the object, so that a
 * small object in a large frame keeps its detail.
 *
 * @param given The silhouette as a picture file, if one was sent.
 * @throws MeshwrightError `invalid_image`
 */
export async function takeShot(name: ViewName, image: Uint8Array, given?: Uint8Array): Promise<Shot> {
  const field = fieldOf[name];
  const whole = await cut(image, field, given);
  const region = worthwhileRegion(whole.pixels, whole.mask);
  const close = region && (await cut(image, field, given, region).catch(unusable));
  // What is seen from near is not always clearer: the border of the crop may lie on the object's shadow.
  const better = close && isSame(whole.mask, close.mask, region) && close.mask.confidence >= SURE_ENOUGH;
  const { pixels, mask } = better ? close : whole;
  return { name, pixels, mask };
}

async function cut(
  image: Uint8Array,
  field: string,
  given: Uint8Array | undefined,
  region?: Region,
): Promise<{ pixels: Decoded; mask: Mask }> {
  const [pixels, silhouette] = await Promise.all([
    decode(image, field, region),
    given && decode(given, 'mask_url', region),
  ]);
  return { pixels, mask: cutOut(pixels, { field, given: silhouette }) };
}

/** A crop without an object or without backdrop is no error: the whole picture counts. */
function unusable(error: unknown): undefined {
  if (error instanceof MeshwrightError) return undefined;
  throw error;
}

/** Whether both masks have the same box. */
function isSame(whole: Mask, close: Mask, region: Region): boolean {
  const a = boxOf(whole);
  const b = boxOf(close);
  const { x0, y0, x1, y1 } = region;
  const [spanX, spanY] = [x1 - x0, y1 - y0];
  const off = [
    a.x0 / whole.width - x0 - (spanX * b.x0) / close.width,
    a.x1 / whole.width - x0 - (spanX * b.x1) / close.width,
  ].map((shift) => Math.abs(shift) / spanX);
  const offY = [
    a.y0 / whole.height - y0 - (spanY * b.y0) / close.height,
    a.y1 / whole.height - y0 - (spanY * b.y1) / close.height,
  ].map((shift) => Math.abs(shift) / spanY);
  return Math.max(...off, ...offY) < SHIFT;
}

function worthwhileRegion(
  { width, height, finer }: Pixels & { finer: number },
  mask: Mask,
): Region | undefined {
  const box = boxOf(mask);
  const margin = MARGIN * Math.max(box.x1 - box.x0, box.y1 - box.y0);
  const region = {
    x0: Math.max(0, (box.x0 - margin) / width),
    y0: Math.max(0, (box.y0 - margin) / height),
    x1: Math.min(1, (box.x1 + margin) / width),
    y1: Math.min(1, (box.y1 + margin) / height),
  };
  const longest = Math.max((region.x1 - region.x0) * width, (region.y1 - region.y0) * height);
  return Math.min(finer, Math.max(width, height) / longest) >= WORTH ? region : undefined;
}
