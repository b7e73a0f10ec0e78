import { toLab } from './lab.js';
import type { Pixels } from './types.js';

/**
 * Tells an object from a plain backdrop: the border of the picture is taken for backdrop, its colour is continued
 * over the picture as a smooth surface, and what differs from that surface is the object.
 */

export interface BorderModel {
  /** How far each pixel's colour is from the backdrop's, in Lab units. */
  difference: Float32Array;
  /** How fast the colour changes at each pixel, Lab units per pixel. */
  gradient: Float32Array;
  /** Typical distance of the border itself from the surface: grain, texture. */
  noise: number;
  /** Share of the border that is not backdrop: the object leaves the picture, or the backdrop is not plain. */
  outliers: number;
}

const ROUNDS = 8;
const TERMS = 6;
/** Lightness counts less than hue, because shadows change it alone. */
const LIGHTNESS_WEIGHT = 0.7;

export function borderModel(pixels: Pixels): BorderModel {
  const { width, height } = pixels;
  const lab = blurred(toLab(pixels), width, height);
  const ring = borderRing(width, height);
  const surface = [0, 1, 2].map((channel) => Float64Array.from(ring, (at) => lab[3 * at + channel] ?? 0));
  const weights = new Float64Array(ring.length).fill(1);
  const residuals = new Float64Array(ring.length);
  const terms = ring.map((at) => termsAt(at % width, Math.floor(at / width), width, height));

  let fits = surface.map((values) => [median(values), 0, 0, 0, 0, 0]);
  let spread = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let k = 0; k < ring.length; k += 1) {
      const t = terms[k] ?? [];
      let sum = 0;
      for (let channel = 0; channel < 3; channel += 1) {
        const d = (surface[channel]?.[k] ?? 0) - dot(fits[channel] ?? [], t);
        sum += d * d;
      }
      residuals[k] = Math.sqrt(sum);
    }
    spread = Math.max(0.4, 1.4826 * median(residuals));
    for (let k = 0; k < ring.length; k += 1) {
      // Tukey's weight: what is far off has no say at all.
      const r = (residuals[k] ?? 0) / (4 * spread + 2);
      weights[k] = r < 1 ? (1 - r * r) ** 2 : 0;
    }
    fits = surface.map((values) => leastSquares(terms, values, weights));
  }

  const far = residuals.filter((r) => r > 4 * spread + 4).length / ring.length;
  return {
    difference: differences(lab, fits, width, height),
    gradient: gradients(lab, width, height),
    noise: spread,
    outliers: far,
  };
}

/** A 3 x 3 binomial mean against grain. */
function blurred(lab: Float32Array, width: number, height: number): Float32Array {
  const out = lab.slice();
  const row = 3 * width;
  for (let j = 1; j < height - 1; j += 1) {
    for (let at = j * row + 3; at < (j + 1) * row - 3; at += 1) {
      const above = (lab[at - row - 3] ?? 0) + 2 * (lab[at - row] ?? 0) + (lab[at - row + 3] ?? 0);
      const own = (lab[at - 3] ?? 0) + 2 * (lab[at] ?? 0) + (lab[at + 3] ?? 0);
      const below = (lab[at + row - 3] ?? 0) + 2 * (lab[at + row] ?? 0) + (lab[at + row + 3] ?? 0);
      out[at] = (above + 2 * own + below) / 16;
    }
  }
  return out;
}

function gradients(lab: Float32Array, width: number, height: number): Float32Array {
  const out = new Float32Array(width * height);
  const row = 3 * width;
  for (let j = 1; j < height - 1; j += 1) {
    for (let i = 1; i < width - 1; i += 1) {
      const at = 3 * (j * width + i);
      let sum = 0;
      for (let channel = at; channel < at + 3; channel += 1) {
        const dx = (lab[channel + 3] ?? 0) - (lab[channel - 3] ?? 0);
        const dy = (lab[channel + row] ?? 0) - (lab[channel - row] ?? 0);
        sum += dx * dx + dy * dy;
      }
      out[j * width + i] = Math.sqrt(sum) / 2;
    }
  }
  return out;
}

function differences(lab: Float32Array, fits: number[][], width: number, height: number): Float32Array {
  const out = new Float32Array(width * height);
  const [[l0 = 0, l1 = 0, l2 = 0, l3 = 0, l4 = 0, l5 = 0] = []] = fits;
  const [, [a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0] = []] = fits;
  const [, , [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0] = []] = fits;
  for (let j = 0; j < height; j += 1) {
    const y = (2 * j) / height - 1;
    for (let i = 0; i < width; i += 1) {
      const x = (2 * i) / width - 1;
      const at = j * width + i;
      const [xx, xy, yy] = [x * x, x * y, y * y];
      const dl = (lab[3 * at] ?? 0) - (l0 + l1 * x + l2 * y + l3 * xx + l4 * xy + l5 * yy);
      const da = (lab[3 * at + 1] ?? 0) - (a0 + a1 * x + a2 * y + a3 * xx + a4 * xy + a5 * yy);
      const db = (lab[3 * at + 2] ?? 0) - (b0 + b1 * x + b2 * y + b3 * xx + b4 * xy + b5 * yy);
      out[at] = Math.sqrt(LIGHTNESS_WEIGHT * dl * dl + da * da + db * db);
    }
  }
  return out;
}

/** Positions of the outermost 2 % of the picture, at most some thousands of them. */
function borderRing(width: number, height: number): number[] {
  const thick = Math.max(2, Math.round(0.02 * Math.min(width, height)));
  const step = Math.max(1, Math.floor((2 * thick * (width + height)) / 4000));
  const ring: number[] = [];
  let count = 0;
  for (let j = 0; j < height; j += 1) {
    for (let i = 0; i < width; i += 1) {
      if (j >= thick && j < height - thick && i >= thick && i < width - thick) {
        i = width - thick - 1;
        continue;
      }
      if (count % step === 0) ring.push(j * width + i);
      count += 1;
    }
  }
  return ring;
}

function termsAt(i: number, j: number, width: number, height: number): number[] {
  const x = (2 * i) / width - 1;
  const y = (2 * j) / height - 1;
  return [1, x, y, x * x, x * y, y * y];
}

function dot(a: number[], b: number[]): number {
  let sum = 0;
  for (let k = 0; k < TERMS; k += 1) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}

/** Weighted least squares by the normal equations; a little damping keeps a border with few good sides tame. */
function leastSquares(terms: number[][], values: Float64Array, weights: Float64Array): number[] {
  const matrix = Array.from({ length: TERMS }, () => new Float64Array(TERMS + 1));
  let total = 0;
  for (let k = 0; k < terms.length; k += 1) {
    const t = terms[k] ?? [];
    const w = weights[k] ?? 0;
    total += w;
    for (let r = 0; r < TERMS; r += 1) {
      const row = matrix[r];
      if (!row) continue;
      const wt = w * (t[r] ?? 0);
      for (let c = 0; c < TERMS; c += 1) row[c] = (row[c] ?? 0) + wt * (t[c] ?? 0);
      row[TERMS] = (row[TERMS] ?? 0) + wt * (values[k] ?? 0);
    }
  }
  for (let r = 0; r < TERMS; r += 1) {
    const row = matrix[r];
    if (row) row[r] = (row[r] ?? 0) + (r === 0 ? 1e-6 : 0.01) * (total + 1);
  }
  return solveLinear(matrix);
}

/** Gauss elimination of a symmetric positive definite system; the last column is the right-hand side. */
function solveLinear(matrix: Float64Array[]): number[] {
  const n = matrix.length;
  for (let pivot = 0; pivot < n; pivot += 1) {
    const row = matrix[pivot];
    const lead = row?.[pivot] ?? 1;
    for (let r = pivot + 1; r < n; r += 1) {
      const other = matrix[r];
      if (!row || !other) continue;
      const factor = (other[pivot] ?? 0) / lead;
      for (let c = pivot; c <= n; c += 1) other[c] = (other[c] ?? 0) - factor * (row[c] ?? 0);
    }
  }
  const out = Array.from({ length: n }, () => 0);
  for (let r = n - 1; r >= 0; r -= 1) {
    const row = matrix[r];
    let sum = row?.[n] ?? 0;
    for (let c = r + 1; c < n; c += 1) sum -= (row?.[c] ?? 0) * (out[c] ?? 0);
    out[r] = sum / (row?.[r] ?? 1);
  }
  return out;
}

function median(values: Float64Array): number {
  const sorted = values.toSorted();
  return sorted[sorted.length >> 1] ?? 0;
}
