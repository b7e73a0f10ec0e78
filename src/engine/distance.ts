/**
 * Exact Euclidean distances on a raster (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled
 * Functions", 2012).
 */

/** Squared; beyond any picture, and small enough to be added to without loss. */
const FAR = 1e12;

/** Signed distance in samples to the edge between inside (non-zero) and outside samples; positive inside. */
export function signedDistance(inside: Uint8Array, width: number, height: number): Float32Array {
  const toOutside = squaredDistance(inside, width, height, false);
  const toInside = squaredDistance(inside, width, height, true);
  const signed = new Float32Array(inside.length);
  for (let at = 0; at < signed.length; at += 1) {
    // The edge runs half way between an inside and an outside sample.
    signed[at] =
      (inside[at] ?? 0) > 0 ? Math.sqrt(toOutside[at] ?? 0) - 0.5 : 0.5 - Math.sqrt(toInside[at] ?? 0);
  }
  return signed;
}

/** Squared distance of every sample to the nearest one that is inside (`toInside`) or outside. */
function squaredDistance(inside: Uint8Array, width: number, height: number, toInside: boolean): Float64Array {
  const field = new Float64Array(width * height);
  for (let at = 0; at < field.length; at += 1) field[at] = (inside[at] ?? 0) > 0 === toInside ? 0 : FAR;
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
