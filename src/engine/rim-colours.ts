import type { Picture } from './bleed.js';
import { bleed } from './bleed.js';
import { boxBlur } from './blur.js';
import type { Cutout } from './cutout.js';
import { depthInside } from './cutout.js';

/**
 * Colours for what no picture shows, made of what the front picture shows at its rim: quiet pictures of the
 * front's place and shape, for points to take the colour at their own place.
 */

/** Longest side of such a picture, pixels: all in it is blurred. */
const longest = 224;

/** A small picture in the frame of a cutout: pixel x of it spans `cutout.width / width` pixels there. */
interface Small extends Picture {
  /** 255 inside the silhouette, else 0. */
  mask: Uint8Array;
}

/**
 * The colours at both ends of every run of the silhouette along a row, running into each other: a quiet back for
 * a round front, without its face. Rows only, since bands and belts go around things; columns would break them.
 */
export function acrossRuns(cutout: Cutout): Picture {
  const { width, height, rgb, mask } = shrink(cutout);
  const painted = new Uint8Array(rgb.length);
  for (let y = 0; y < height; y += 1) {
    const end = (y + 1) * width;
    for (let from = y * width; from < end; from += 1) {
      if (mask[from] === 0) continue;
      let to = from;
      while (to + 1 < end && mask[to + 1] !== 0) to += 1;
      for (let at = from; at <= to; at += 1) {
        const share = to > from ? (at - from) / (to - from) : 0.5;
        for (let k = 0; k < 3; k += 1) {
          painted[3 * at + k] = (1 - share) * (rgb[3 * from + k] ?? 0) + share * (rgb[3 * to + k] ?? 0) + 0.5;
        }
      }
      from = to;
    }
  }
  return blurred({ width, height, rgb: painted }, mask, 0.02);
}

/** The colours of the silhouette's rim, blurred along it, spread inwards and outwards. */
export function aroundRim(cutout: Cutout): Picture {
  const small = shrink(cutout);
  const { width, height, rgb, mask } = small;
  const depth = depthInside(mask, width, height);
  const band = Math.max(2, 0.02 * Math.max(width, height));
  const rim = depth.map((d) => (d > 0 && d <= 3 * band ? 255 : 0));
  return blurred({ width, height, rgb }, rim, 0.012);
}

/** Blurs the known part of a picture within itself and bleeds it over the rest. */
function blurred({ width, height, rgb }: Picture, mask: Uint8Array, share: number): Picture {
  // Three passes of a box come close to a Gaussian of its radius.
  const radius = Math.max(1, Math.round(share * Math.max(width, height)));
  const weights = Float32Array.from(mask, (inside) => (inside === 0 ? 0 : 1));
  for (let pass = 0; pass < 3; pass += 1) boxBlur(weights, width, height, radius);
  const result = new Uint8Array(rgb.length);
  const plane = new Float32Array(width * height);
  for (let k = 0; k < 3; k += 1) {
    for (let at = 0; at < plane.length; at += 1) plane[at] = mask[at] === 0 ? 0 : (rgb[3 * at + k] ?? 0);
    for (let pass = 0; pass < 3; pass += 1) boxBlur(plane, width, height, radius);
    for (let at = 0; at < plane.length; at += 1) {
      const weight = weights[at] ?? 0;
      result[3 * at + k] = mask[at] === 0 || weight === 0 ? 0 : (plane[at] ?? 0) / weight + 0.5;
    }
  }
  const picture = { width, height, rgb: result };
  bleed(picture, mask.slice());
  return picture;
}

function shrink({ width, height, rgb, cover }: Cutout): Small {
  const scale = Math.min(1, longest / Math.max(width, height));
  const w = Math.max(1, Math.round(width * scale));
  const h = Math.max(1, Math.round(height * scale));
  const small = { width: w, height: h, rgb: new Uint8Array(w * h * 3), mask: new Uint8Array(w * h) };
  for (let y = 0; y < h; y += 1) {
    const y0 = Math.floor((y * height) / h);
    const y1 = Math.max(y0 + 1, Math.floor(((y + 1) * height) / h));
    for (let x = 0; x < w; x += 1) {
      const x0 = Math.floor((x * width) / w);
      const x1 = Math.max(x0 + 1, Math.floor(((x + 1) * width) / w));
      let red = 0;
      let green = 0;
      let blue = 0;
      let inside = 0;
      for (let row = y0; row < y1; row += 1) {
        for (let column = x0; column < x1; column += 1) {
          const at = row * width + column;
          red += rgb[3 * at] ?? 0;
          green += rgb[3 * at + 1] ?? 0;
          blue += rgb[3 * at + 2] ?? 0;
          inside += cover[at] ?? 0;
        }
      }
      const count = (x1 - x0) * (y1 - y0);
      const at = y * w + x;
      small.rgb[3 * at] = red / count + 0.5;
      small.rgb[3 * at + 1] = green / count + 0.5;
      small.rgb[3 * at + 2] = blue / count + 0.5;
      // Touched is enough: colours are bled over the outline, and thin parts must not get lost.
      small.mask[at] = inside > 0 ? 255 : 0;
    }
  }
  return small;
}
