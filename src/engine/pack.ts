/** The outline of one chart in its own plane, metres, v down. */
export interface Outline {
  minU: number;
  minV: number;
  width: number;
  height: number;
  /** u0, v0, u1, v1 of each edge on the border. */
  edges: Float32Array;
}

/** Where charts lie in a square atlas: texel = (place + gutter + scale * (plane - min)). */
export interface Packing {
  /** Texels per metre, the same for all charts. */
  scale: number;
  /** Texels kept free around each chart. */
  gutter: number;
  /** Whole texels from the left and the top edge of the atlas. */
  left: Int32Array;
  top: Int32Array;
}

/** Texels between two charts are twice this: bilinear sampling and the first mip levels stay inside a chart. */
const gutters = [2, 1];
/** Columns of the skyline; wider ones are faster and pack worse. */
const columnCount = 512;
const searchSteps = 9;

/**
 * Packs charts at one common scale, as large as it finds to fit. Charts go in by height, each to the place where
 * its lower edge comes to lie highest; the skyline is matched with the upper outline of the chart, so that
 * charts reach into each other's hollows.
 *
 * @param size Side of the atlas, texels.
 * @returns `undefined` when there are so many charts that they do not fit at any scale.
 */
export function packCharts(outlines: readonly Outline[], size: number): Packing | undefined {
  const order = outlines
    .map((_, chart) => chart)
    .toSorted((a, b) => (outlines[b]?.height ?? 0) - (outlines[a]?.height ?? 0) || a - b);
  const extent = outlines.reduce((most, { width, height }) => Math.max(most, width, height), 1e-9);
  const boxes = outlines.reduce((sum, { width, height }) => sum + width * height, 1e-18);
  for (const gutter of gutters) {
    const highest = Math.min((size - 2 * gutter) / extent, (1.6 * size) / Math.sqrt(boxes));
    let best: Packing | undefined;
    // Many charts: what the gutters need grows too, so the search goes down until anything fits.
    let low = highest;
    for (let step = 0; step < 24 && !best; step += 1) {
      best = place(outlines, order, size, low, gutter);
      if (!best) low *= 0.7;
    }
    if (!best) continue;
    let high = Math.min(highest, low / 0.7);
    for (let step = 0; step < searchSteps && high > low * 1.002; step += 1) {
      const middle = (low + high) / 2;
      const found = place(outlines, order, size, middle, gutter);
      if (found) {
        best = found;
        low = middle;
      } else {
        high = middle;
      }
    }
    return best;
  }
  return undefined;
}

/** Places all charts at one scale, if they fit. */
function place(
  outlines: readonly Outline[],
  order: readonly number[],
  size: number,
  scale: number,
  gutter: number,
): Packing | undefined {
  const column = size / columnCount;
  const skyline = new Float64Array(columnCount);
  const left = new Int32Array(outlines.length);
  const top = new Int32Array(outlines.length);
  for (const chart of order) {
    const outline = outlines[chart];
    if (!outline) continue;
    const { upper, lower } = profileOf(outline, scale, gutter, column);
    const bottom = scale * outline.height + 2 * gutter;
    let bestAt = -1;
    let bestY = size - bottom;
    for (let at = 0; at + upper.length <= columnCount; at += 1) {
      let y = 0;
      for (let k = 0; k < upper.length && y <= bestY; k += 1) {
        y = Math.max(y, (skyline[at + k] ?? 0) - (upper[k] ?? 0));
      }
      if (y < bestY || (bestAt < 0 && y <= bestY)) {
        bestAt = at;
        bestY = y;
      }
    }
    if (bestAt < 0) return undefined;
    const y = Math.ceil(bestY);
    if (y + bottom > size) return undefined;
    for (let k = 0; k < lower.length; k += 1) skyline[bestAt + k] = y + (lower[k] ?? 0);
    left[chart] = bestAt * column;
    top[chart] = y;
  }
  return { scale, gutter, left, top };
}

/** The highest and the lowest texel of a chart in each column it touches, gutters included. */
function profileOf(
  { minU, minV, width, edges }: Outline,
  scale: number,
  gutter: number,
  column: number,
): { upper: Float64Array; lower: Float64Array } {
  const columns = Math.ceil((scale * width + 2 * gutter) / column);
  const upper = new Float64Array(columns).fill(Infinity);
  const lower = new Float64Array(columns).fill(0);
  for (let at = 0; at < edges.length; at += 4) {
    let u0 = scale * ((edges[at] ?? 0) - minU);
    let v0 = scale * ((edges[at + 1] ?? 0) - minV);
    let u1 = scale * ((edges[at + 2] ?? 0) - minU);
    let v1 = scale * ((edges[at + 3] ?? 0) - minV);
    if (u0 > u1) [u0, v0, u1, v1] = [u1, v1, u0, v0];
    const slope = u1 > u0 ? (v1 - v0) / (u1 - u0) : 0;
    const first = Math.max(0, Math.floor(u0 / column));
    const last = Math.min(columns - 1, Math.floor((u1 + 2 * gutter) / column));
    for (let k = first; k <= last; k += 1) {
      // The part of the edge that is within a gutter of this column.
      const from = Math.max(u0, k * column - 2 * gutter);
      const to = Math.min(u1, (k + 1) * column);
      const a = u1 > u0 ? v0 + slope * (from - u0) : v0;
      const b = u1 > u0 ? v0 + slope * (to - u0) : v1;
      upper[k] = Math.min(upper[k] ?? 0, a, b);
      lower[k] = Math.max(lower[k] ?? 0, Math.max(a, b) + 2 * gutter);
    }
  }
  return { upper, lower };
}
