/**
 * Distances to the outline of a silhouette on a raster, finer than the raster: the samples along the outline know
 * where it runs between them, and every other sample takes its distance from the nearest of those.
 */

/** Squared; beyond any picture, and small enough to be added to without loss. */
const FAR = 1e12;

/**
 * Signed distance to the outline, in samples; positive inside.
 *
 * @param coverage How much of each sample is inside, 0 to 1; the outline runs where it is one half.
 */
export function signedDistance(coverage: Float32Array, width: number, height: number): Float32Array {
  const { squared, own } = alongOutline(coverage, width, height);
  const longest = Math.max(width, height);
  const envelope = new LowerEnvelope(longest);
  // The nearest sample of the outline in the same column, then among the columns.
  const nearestRow = new Int32Array(coverage.length);
  for (let i = 0; i < width; i += 1) {
    envelope.load(squared, i, width, height);
    envelope.store(squared, nearestRow, i, width, height);
  }
  const signed = new Float32Array(coverage.length);
  const nearestColumn = new Int32Array(width);
  const line = new Float64Array(width);
  for (let j = 0; j < height; j += 1) {
    const start = j * width;
    envelope.load(squared, start, 1, width);
    envelope.store(line, nearestColumn, 0, 1, width);
    for (let i = 0; i < width; i += 1) {
      const column = nearestColumn[i] ?? 0;
      const nearest = (nearestRow[start + column] ?? 0) * width + column;
      const away = Math.sqrt(line[i] ?? 0);
      signed[start + i] = (own[nearest] ?? 0) + ((coverage[start + i] ?? 0) > HALF ? away : -away);
    }
  }
  return signed;
}

const HALF = 0.5;

/**
 * The samples that have a neighbour on the other side of the outline, with their own signed distance to it: from
 * where the coverage passes one half on the way to the neighbours across and above or below.
 */
function alongOutline(
  coverage: Float32Array,
  width: number,
  height: number,
): { squared: Float64Array; own: Float32Array } {
  const squared = new Float64Array(coverage.length).fill(FAR);
  const own = new Float32Array(coverage.length);
  for (let j = 1; j < height - 1; j += 1) {
    for (let at = j * width + 1; at < (j + 1) * width - 1; at += 1) {
      const c = (coverage[at] ?? 0) - HALF;
      const x = Math.min(wayTo(c, coverage[at - 1] ?? 0), wayTo(c, coverage[at + 1] ?? 0));
      const y = Math.min(wayTo(c, coverage[at - width] ?? 0), wayTo(c, coverage[at + width] ?? 0));
      if (x === Infinity && y === Infinity) continue;
      squared[at] = 0;
      const way =
        x === Infinity || y === Infinity ? Math.min(x, y) : (x * y) / Math.sqrt(x * x + y * y + 1e-12);
      own[at] = c > 0 ? way : -way;
    }
  }
  return { squared, own };
}

/** How far it is, in samples, to the outline between a sample and its neighbour; `Infinity` where there is none. */
function wayTo(c: number, neighbour: number): number {
  const n = neighbour - HALF;
  return c > 0 === n > 0 ? Infinity : c / (c - n);
}

/**
 * The lower envelope of parabolas over a line of samples (Felzenszwalb and Huttenlocher, "Distance Transforms of
 * Sampled Functions", 2012), with its working memory.
 */
class LowerEnvelope {
  private readonly line: Float64Array;
  private readonly apex: Int32Array;
  private readonly from: Float64Array;

  constructor(longest: number) {
    this.line = new Float64Array(longest);
    this.apex = new Int32Array(longest);
    this.from = new Float64Array(longest + 1);
  }

  /** Takes up `length` values at `start`, `step` apart. */
  load(values: Float64Array, start: number, step: number, length: number): void {
    const { line, apex, from } = this;
    for (let p = 0; p < length; p += 1) line[p] = values[start + p * step] ?? 0;
    let last = 0;
    apex[0] = 0;
    from[0] = -Infinity;
    for (let q = 1; q < length; q += 1) {
      const height = (line[q] ?? 0) + q * q;
      let crossing = crossingWith(line, apex[last] ?? 0, height, q);
      while (crossing <= (from[last] ?? 0)) {
        last -= 1;
        crossing = crossingWith(line, apex[last] ?? 0, height, q);
      }
      last += 1;
      apex[last] = q;
      from[last] = crossing;
    }
    from[last + 1] = Infinity;
  }

  /** Writes min over q of (p - q)^2 + value(q), and that q, for each p. */
  store(values: Float64Array, nearest: Int32Array, start: number, step: number, length: number): void {
    const { line, apex, from } = this;
    let at = 0;
    for (let p = 0; p < length; p += 1) {
      while ((from[at + 1] ?? 0) < p) at += 1;
      const q = apex[at] ?? 0;
      values[start + p * step] = (p - q) * (p - q) + (line[q] ?? 0);
      nearest[start + p * step] = q;
    }
  }
}

/** Where the parabola over `p` meets the one over `q`, whose height at 0 is `height`. */
function crossingWith(line: Float64Array, p: number, height: number, q: number): number {
  return (height - (line[p] ?? 0) - p * p) / (2 * (q - p));
}
