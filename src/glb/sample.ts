import type { TextureMap, Wrap } from './materials.js';
import { toLinear } from './textures.js';

/** Reading textures. */

const asIs: Float32Array = Float32Array.from({ length: 256 }, (_, i) => i / 255);

/**
 * Bilinear sample of one mip level, 0 to 1 per channel, written to `out[0..3]`.
 *
 * @param u before wrapping, after the texture transform; @param v likewise, 0 is the top row
 * @param color decodes r, g, b from sRGB to linear light
 */
export function sample(
  map: TextureMap,
  level: number,
  u: number,
  v: number,
  color: boolean,
  out: Float64Array,
): void {
  const image = map.texture.levels[level];
  if (image === undefined) return;
  const { width, height, data } = image;
  const table = color ? toLinear : asIs;
  const x = u * width - 0.5;
  const y = v * height - 0.5;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const tx = x - left;
  const ty = y - top;
  const x0 = wrapped(left, width, map.wrapS);
  const x1 = wrapped(left + 1, width, map.wrapS);
  const y0 = wrapped(top, height, map.wrapT) * width;
  const y1 = wrapped(top + 1, height, map.wrapT) * width;
  const a = 4 * (y0 + x0);
  const b = 4 * (y0 + x1);
  const c = 4 * (y1 + x0);
  const d = 4 * (y1 + x1);
  const wb = tx * (1 - ty);
  const wc = (1 - tx) * ty;
  const wd = tx * ty;
  const wa = 1 - wb - wc - wd;
  for (let k = 0; k < 3; k++) {
    out[k] =
      wa * (table[data[a + k] ?? 0] ?? 0) +
      wb * (table[data[b + k] ?? 0] ?? 0) +
      wc * (table[data[c + k] ?? 0] ?? 0) +
      wd * (table[data[d + k] ?? 0] ?? 0);
  }
  out[3] =
    (wa * (data[a + 3] ?? 0) + wb * (data[b + 3] ?? 0) + wc * (data[c + 3] ?? 0) + wd * (data[d + 3] ?? 0)) /
    255;
}

/** Sides are powers of two: masks do for the remainder, for negative numbers, too. */
function wrapped(i: number, size: number, wrap: Wrap): number {
  if (wrap === 'repeat') return i & (size - 1);
  if (wrap === 'clamp') return i < 0 ? 0 : i < size ? i : size - 1;
  const folded = i & (2 * size - 1);
  return folded < size ? folded : 2 * size - 1 - folded;
}

/**
 * The mip level whose texels are about as large as pixels.
 *
 * @param uvArea area of a triangle in texture coordinates (times two); @param pixelArea in pixels (times two)
 */
export function mipLevel(map: TextureMap, uvArea: number, pixelArea: number): number {
  const [full] = map.texture.levels;
  if (full === undefined || pixelArea === 0) return 0;
  const texels = (uvArea * full.width * full.height) / pixelArea;
  if (!(texels > 1)) return 0;
  return Math.min(map.texture.levels.length - 1, Math.floor(Math.log2(texels) / 2 + 0.3));
}
