import { regionsOf } from './regions.js';

/** Keeps parts that are thinner than the grid: an antenna that is lost leaves its ball floating in the air. */

/** A ridge of the distance falls by this much to both sides together. */
const FALL = 0.5;
/** A thin part reaches farther than this from where the disc fits, in radii; the tip of a corner over 45 degrees does not. */
const LONG = 2.6;

/**
 * Widens, in place, the parts of a silhouette that are thinner than twice `radius`, up to that. Corners of thicker
 * parts stay as they are, and no row or column is filled that was empty.
 *
 * @param signed Signed distance in samples, positive inside.
 */
export function thicken(signed: Float32Array, width: number, height: number, radius: number): void {
  const thick = new Uint8Array(signed.length);
  const ridge = new Uint8Array(signed.length);
  const reach = Math.ceil(radius);
  for (let j = 1; j < height - 1; j += 1) {
    for (let at = j * width + 1; at < (j + 1) * width - 1; at += 1) {
      const d = signed[at] ?? 0;
      if (d >= radius) thick[at] = 1;
      else if (d > 0 && isRidge(signed, at, width)) ridge[at] = 1;
    }
  }
  const near = widened(thick, width, height, Math.ceil(LONG * radius));
  // Over gaps of a sample in the ridge.
  const joined = widened(ridge, width, height, 1);
  const { rows, columns } = filledLines(signed, width, height);
  for (const { at: part } of regionsOf(joined, width, height, 1)) {
    if (!part.some((at) => ridge[at] === 1 && near[at] === 0)) continue;
    for (const at of part) {
      if (ridge[at] === 0) continue;
      const [i, j] = [at % width, Math.floor(at / width)];
      for (let y = Math.max(0, j - reach); y <= Math.min(height - 1, j + reach); y += 1) {
        for (let x = Math.max(0, i - reach); x <= Math.min(width - 1, i + reach); x += 1) {
          const value = radius - Math.sqrt((x - i) * (x - i) + (y - j) * (y - j));
          const to = y * width + x;
          if (value > (signed[to] ?? 0) && rows[y] === 1 && columns[x] === 1) signed[to] = value;
        }
      }
    }
  }
}

function isRidge(signed: Float32Array, at: number, width: number): boolean {
  const own = signed[at] ?? 0;
  for (const step of [1, width, width + 1, width - 1]) {
    const a = own - (signed[at + step] ?? 0);
    const b = own - (signed[at - step] ?? 0);
    if (a >= 0 && b >= 0 && a + b > FALL) return true;
  }
  return false;
}

function filledLines(
  signed: Float32Array,
  width: number,
  height: number,
): { rows: Uint8Array; columns: Uint8Array } {
  const rows = new Uint8Array(height);
  const columns = new Uint8Array(width);
  for (let j = 0; j < height; j += 1) {
    for (let i = 0; i < width; i += 1) if ((signed[j * width + i] ?? 0) > 0) rows[j] = columns[i] = 1;
  }
  return { rows, columns };
}

/** The set samples and all within a square around them. */
function widened(set: Uint8Array, width: number, height: number, by: number): Uint8Array {
  const across = new Uint8Array(set.length);
  const out = new Uint8Array(set.length);
  for (let j = 0; j < height; j += 1) widenLine(set, across, j * width, 1, width, by);
  for (let i = 0; i < width; i += 1) widenLine(across, out, i, width, height, by);
  return out;
}

function widenLine(
  from: Uint8Array,
  to: Uint8Array,
  start: number,
  step: number,
  count: number,
  by: number,
): void {
  let last = -Infinity;
  for (let k = 0; k < count + by; k += 1) {
    if (k < count && from[start + k * step] === 1) last = k;
    const middle = k - by;
    // `last` is the latest set sample up to `by` after the middle one.
    if (middle >= 0 && last >= middle - by) to[start + middle * step] = 1;
  }
}
