/**
 * Calls `row(y, from, to)` for each row of a pixel grid in which a triangle covers pixel centres, with the first
 * and the last covered column. Coordinates are pixels; pixel (i, j) has its centre at (i + 0.5, j + 0.5). Either
 * winding is taken; a triangle without area covers nothing.
 *
 * @param inset Pixels by which the edges are moved inwards. A little above zero, and two triangles that share an
 *   edge never cover the same centre; a little below, and none is missed between them.
 * @param row Returns false to stop.
 * @returns Whether it ran to the end.
 */
export function scanTriangle(
  ax: number,
  ay: number,
  bx: number,
  by: number,
  cx: number,
  cy: number,
  inset: number,
  width: number,
  height: number,
  row: (y: number, from: number, to: number) => boolean,
): boolean {
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  if (area === 0) return true;
  const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) + inset - 0.5));
  const bottom = Math.min(height - 1, Math.floor(Math.max(ay, by, cy) - inset - 0.5));
  if (top > bottom) return true;
  const sign = area > 0 ? 1 : -1;
  const ab = boundOf(ax, ay, bx, by, sign, inset);
  const bc = boundOf(bx, by, cx, cy, sign, inset);
  const ca = boundOf(cx, cy, ax, ay, sign, inset);
  for (let y = top; y <= bottom; y += 1) {
    const centre = y + 0.5;
    const onAb = ab.atZero + ab.slope * centre;
    const onBc = bc.atZero + bc.slope * centre;
    const onCa = ca.atZero + ca.slope * centre;
    const low = Math.max(ab.isLow ? onAb : 0, bc.isLow ? onBc : 0, ca.isLow ? onCa : 0);
    const high = Math.min(ab.isHigh ? onAb : width, bc.isHigh ? onBc : width, ca.isHigh ? onCa : width);
    const from = Math.max(0, Math.ceil(low - 0.5));
    const to = Math.min(width - 1, Math.floor(high - 0.5));
    if (from <= to && !row(y, from, to)) return false;
  }
  return true;
}

/** The line `x = atZero + slope * y` that ends every row's span on the low or on the high side. */
interface Bound {
  slope: number;
  atZero: number;
  isLow: boolean;
  isHigh: boolean;
}

function boundOf(px: number, py: number, qx: number, qy: number, sign: number, inset: number): Bound {
  const dx = (qx - px) * sign;
  const dy = (qy - py) * sign;
  // A level edge ends no row's span; the range of rows takes care of it.
  if (dy === 0) return { slope: 0, atZero: 0, isLow: false, isHigh: false };
  const slope = dx / dy;
  const shift = (inset * Math.hypot(dx, dy)) / dy;
  return { slope, atZero: px - slope * py - shift, isLow: dy < 0, isHigh: dy > 0 };
}
