/** Keeps parts that are thinner than the grid: an antenna that is lost leaves its ball floating in the air. */

/** A ridge of the distance falls by this much to both sides together. */
const FALL = 0.5;

/**
 * Widens, in place, the parts of a silhouette that are thinner than twice `radius`, up to that. Corners of thicker
 * parts stay as they are.
 *
 * @param signed Signed distance in samples, positive inside.
 */
export function thicken(signed: Float32Array, width: number, height: number, radius: number): void {
  const thick = new Uint8Array(signed.length);
  for (let at = 0; at < thick.length; at += 1) if ((signed[at] ?? 0) >= radius) thick[at] = 1;
  // The tip of a right-angled corner is within 1.42 times the radius of where the disc still fits.
  const near = widened(thick, width, height, Math.ceil(1.5 * radius));
  const reach = Math.ceil(radius);
  const ridge: number[] = [];
  for (let j = reach; j < height - reach; j += 1) {
    for (let at = j * width + reach; at < (j + 1) * width - reach; at += 1) {
      if ((signed[at] ?? 0) > 0 && near[at] === 0 && isRidge(signed, at, width)) ridge.push(at);
    }
  }
  for (const at of ridge) {
    for (let dj = -reach; dj <= reach; dj += 1) {
      for (let di = -reach; di <= reach; di += 1) {
        const value = radius - Math.sqrt(di * di + dj * dj);
        const to = at + dj * width + di;
        if (value > (signed[to] ?? 0)) signed[to] = value;
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
