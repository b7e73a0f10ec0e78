import type { Picture } from './bleed.js';
import { bleed } from './bleed.js';
import type { View } from './types.js';

/** The object's part of a view's picture, with its colours bled over the backdrop. */
export interface Cutout extends Picture {
  /** 255 inside the silhouette, 0 outside, a share of it where pixels were merged. */
  cover: Uint8Array;
  /** Pixel (x, y) of the view lies at ((x - left) / factor, (y - top) / factor). */
  left: number;
  top: number;
  factor: number;
}

/** Pixels kept around the silhouette's box. */
const margin = 2;

/**
 * Cuts a view to its silhouette and replaces everything that may hold some of the backdrop: the outside, and a
 * rim inside that grows with the picture (2 to 5 pixels), where edges are blended, blurred or haloed. Parts as
 * thin as that rim keep the colour of their middle line.
 *
 * @param factor Whole number by which the picture is made smaller.
 */
export function withoutBackdrop(view: View, factor: number): Cutout {
  const { pixels, box } = view;
  const left = box.x0 - margin;
  const top = box.y0 - margin;
  const wide = box.x1 + margin - left;
  const high = box.y1 + margin - top;
  const silhouette = cropMask(view, left, top, wide, high);
  const trusted = trustedPixels(silhouette, wide, high, rimOf(box.x1 - box.x0, box.y1 - box.y0));

  const width = Math.ceil(wide / factor);
  const height = Math.ceil(high / factor);
  const rgb = new Uint8Array(width * height * 3);
  const known = new Uint8Array(width * height);
  const cover = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let count = 0;
      let inside = 0;
      for (let row = y * factor; row < Math.min(high, (y + 1) * factor); row += 1) {
        for (let column = x * factor; column < Math.min(wide, (x + 1) * factor); column += 1) {
          inside += silhouette[row * wide + column] ?? 0;
          if (trusted[row * wide + column] === 0) continue;
          const from = 4 * ((top + row) * pixels.width + left + column);
          red += pixels.data[from] ?? 0;
          green += pixels.data[from + 1] ?? 0;
          blue += pixels.data[from + 2] ?? 0;
          count += 1;
        }
      }
      const at = y * width + x;
      cover[at] = inside / (factor * factor);
      if (count === 0) continue;
      known[at] = 1;
      rgb[3 * at] = red / count + 0.5;
      rgb[3 * at + 1] = green / count + 0.5;
      rgb[3 * at + 2] = blue / count + 0.5;
    }
  }
  const cutout = { width, height, rgb, cover, left, top, factor };
  bleed(cutout, known);
  return cutout;
}

function cropMask({ mask }: View, left: number, top: number, width: number, height: number): Uint8Array {
  const crop = new Uint8Array(width * height);
  const from = Math.max(0, left);
  const to = Math.min(mask.width, left + width);
  for (let y = Math.max(0, top); y < Math.min(mask.height, top + height); y += 1) {
    crop.set(mask.data.subarray(y * mask.width + from, y * mask.width + to), (y - top) * width + from - left);
  }
  return crop;
}

/** Pixels inside the silhouette whose colour is not trusted, counted from its edge. */
function rimOf(width: number, height: number): number {
  return Math.min(5, 1.5 + Math.max(width, height) / 300);
}

/** 1 for pixels further inside than `rim`, and for the middle lines of parts that are thinner. */
export function trustedPixels(mask: Uint8Array, width: number, height: number, rim: number): Uint8Array {
  const depth = depthInside(mask, width, height);
  const reach = Math.ceil(rim);
  const trusted = new Uint8Array(mask.length);
  let count = 0;
  for (let at = 0; at < mask.length; at += 1) {
    const d = depth[at] ?? 0;
    // The outermost pixels (a depth of 3 thirds) are blended with the backdrop even where a part is thin.
    if (d <= 3 || (d <= 3 * rim && !isRidge(depth, width, height, at, reach))) continue;
    trusted[at] = 1;
    count += 1;
  }
  return count > 0 ? trusted : mask.map((inside) => (inside === 0 ? 0 : 1));
}

/**
 * Distance of each inner pixel to the nearest outer one in thirds of a pixel (3-4 chamfer, Borgefors 1986),
 * at most 255. What is beyond the picture counts as outside.
 */
export function depthInside(mask: Uint8Array, width: number, height: number): Uint8Array {
  // A frame of outer pixels saves all tests for the border.
  const stride = width + 2;
  const framed = new Uint8Array(stride * (height + 2));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (mask[y * width + x] === 0) continue;
      const at = (y + 1) * stride + x + 1;
      const before = Math.min(framed[at - 1] ?? 0, framed[at - stride] ?? 0) + 3;
      const diagonal = Math.min(framed[at - stride - 1] ?? 0, framed[at - stride + 1] ?? 0) + 4;
      framed[at] = Math.min(255, before, diagonal);
    }
  }
  const depth = new Uint8Array(mask.length);
  for (let y = height - 1; y >= 0; y -= 1) {
    for (let x = width - 1; x >= 0; x -= 1) {
      const at = (y + 1) * stride + x + 1;
      const after = Math.min(framed[at + 1] ?? 0, framed[at + stride] ?? 0) + 3;
      const diagonal = Math.min(framed[at + stride + 1] ?? 0, framed[at + stride - 1] ?? 0) + 4;
      framed[at] = Math.min(framed[at] ?? 0, after, diagonal);
      depth[y * width + x] = framed[at] ?? 0;
    }
  }
  return depth;
}

/** Whether nothing within `reach` pixels is deeper: the middle line of a part. */
function isRidge(depth: Uint8Array, width: number, height: number, at: number, reach: number): boolean {
  const here = depth[at] ?? 0;
  const x = at % width;
  const y = (at - x) / width;
  for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row += 1) {
    for (let column = Math.max(0, x - reach); column <= Math.min(width - 1, x + reach); column += 1) {
      if ((depth[row * width + column] ?? 0) > here) return false;
    }
  }
  return true;
}
