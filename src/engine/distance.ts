/**
 * Euclidean distances on a raster (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012),
 * from the anti-aliased outline, as is usual for glyphs.
 */

/** Squared; beyond any picture, and small enough to be added to without loss. */
const FAR = 1e12;

/**
 * Signed distance, in samples, to the outline of a silhouette; positive inside.
 *
 * @param coverage 0 outside to 1 inside. Samples between lie on the outline and place it exactly.
 * @param ramp Samples over which the coverage goes from 0 to 1.
 */
export function signedDistance(
  coverage: Float32Array,
  width: number,
  height: number,
  ramp: number,
): Float32Array {
  const toInside = squaredDistance(coverage, width, height, (c) => ramp * Math.max(0, 0.5 - c));
  const toOutside = squaredDistance(coverage, width, height, (c) => ramp * Math.max(0, c - 0.5));
  const signed = new Float32Array(coverage.length);
  for (let at = 0; at < signed.length; at += 1) {
    signed[at] = Math.sqrt(toOutside[at] ?? 0) - Math.sqrt(toInside[at] ?? 0);
  }
  return signed;
}

/** Squared distances of all samples to those on one side, which count as `offset` away themselves. */
function squaredDistance(
  coverage: Float32Array,
  width: number,
  height: number,
  offset: (coverage: number) => number,
): Float64Array {
  const field = new Float64Array(width * height);
  // A sample that is wholly on the other side is no place to measure from.
  const excluded = offset(0) > 0 ? 0 : 1;
  for (let at = 0; at < field.length; at += 1) {
    const c = coverage[at] ?? 0;
    field[at] = c === excluded ? FAR : offset(c) ** 2;
  }
  const longest = Math.max(width, height);
  const line = new Float64Array(longest);
  const envelope = new LowerEnvelope(longest);
  for (let i = 0; i < width; i += 1) {
    for (let j = 0; j < height; j += 1) line[j] = field[j * width + i] ?? 0;
    envelope.transform(line, height, field, i, width);
  }
  for (let j = 0; j < height; j += 1) {
    for (let i = 0; i < width; i += 1) line[i] = field[j * width + i] ?? 0;
    envelope.transform(line, width, field, j * width, 1);
  }
  return field;
}

/** The lower envelope of parabolas over a line of samples, with its working memory. */
class LowerEnvelope {
  private readonly apex: Int32Array;
  private readonly from: Float64Array;

  constructor(longest: number) {
    this.apex = new Int32Array(longest);
    this.from = new Float64Array(longest + 1);
  }

  /** Writes min over q of (p - q)^2 + line[q] to `out[start + p * step]`. */
  transform(line: Float64Array, length: number, out: Float64Array, start: number, step: number): void {
    const { apex, from } = this;
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
    let at = 0;
    for (let p = 0; p < length; p += 1) {
      while ((from[at + 1] ?? 0) < p) at += 1;
      const q = apex[at] ?? 0;
      out[start + p * step] = (p - q) * (p - q) + (line[q] ?? 0);
    }
  }
}

/** Where the parabola over `p` meets the one over `q`, whose height at 0 is `height`. */
function crossingWith(line: Float64Array, p: number, height: number, q: number): number {
  return (height - (line[p] ?? 0) - p * p) / (2 * (q - p));
}
