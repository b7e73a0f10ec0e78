import { signedDistance } from './distance.js';
import { poisson } from './poisson.js';
import { thicken } from './thin.js';
import type { Mask, PixelBox } from './types.js';

/**
 * A silhouette on the nodes of a plane of the grid. Lengths are in cells; node (i, j) lies at (i - pad, j - pad)
 * from the corner of the object's box.
 */
export interface Silhouette {
  /** Nodes along the first and the second axis. */
  nu: number;
  nv: number;
  /** Distance to the outline, positive inside. */
  signed: Float32Array;
  /** Poisson height (see `poisson.ts`); outside it goes on as a negative slope. */
  height: Float32Array;
}

/** Empty nodes around the object, so that every surface closes inside the grid. */
export const PAD = 4;

export type Outlined = Pick<Mask, 'width' | 'height' | 'data' | 'soft'>;

/** Samples per cell and direction from which the outline's distance is taken. */
const FINE = 3;

/** Half the width, in cells, that a part needs so as not to fall between the nodes. */
const LEAST_RADIUS = 0.85;

/** How a picture lies on the plane: which of its directions run against the plane's axes. */
export interface Fit {
  flipU: boolean;
  flipV: boolean;
}

export interface Extent {
  /** Cells along the plane's axes that the object's box takes. */
  u: number;
  v: number;
}

export function nodesAlong(cells: number): number {
  return Math.ceil(cells) + 1 + 2 * PAD;
}

/** Signed distance in cells at the nodes of a plane over which the box of the mask is laid. */
export function outlineOf(mask: Outlined, box: PixelBox, extent: Extent, fit: Fit): Float32Array {
  const nu = nodesAlong(extent.u);
  const nv = nodesAlong(extent.v);
  const width = (nu - 1) * FINE + 1;
  const height = (nv - 1) * FINE + 1;
  const stepU = (box.x1 - box.x0) / (extent.u * FINE);
  const stepV = (box.y1 - box.y0) / (extent.v * FINE);
  const columns = Float64Array.from({ length: width }, (_, i) => {
    const u = (i - PAD * FINE) * stepU;
    return fit.flipU ? box.x1 - u : box.x0 + u;
  });
  const values = mask.soft ?? mask.data;
  const coverage = new Float32Array(width * height);
  for (let j = 0; j < height; j += 1) {
    const v = (j - PAD * FINE) * stepV;
    const y = fit.flipV ? box.y1 - v : box.y0 + v;
    for (let i = 0; i < width; i += 1) {
      coverage[j * width + i] = between(values, mask.width, mask.height, columns[i] ?? 0, y) / 255;
    }
  }
  const fine = signedDistance(coverage, width, height);
  thicken(fine, width, height, LEAST_RADIUS * FINE);
  const signed = new Float32Array(nu * nv);
  for (let j = 0; j < nv; j += 1) {
    for (let i = 0; i < nu; i += 1)
      signed[j * nu + i] = binomial(fine, width, height, i * FINE, j * FINE) / FINE;
  }
  return signed;
}

/** A value between pixel centres; 0 beyond the edges of the picture. */
function between(values: Uint8Array, width: number, height: number, x: number, y: number): number {
  const i = Math.floor(x - 0.5);
  const j = Math.floor(y - 0.5);
  if (i < -1 || j < -1 || i >= width || j >= height) return 0;
  const fx = x - 0.5 - i;
  const fy = y - 0.5 - j;
  const at = j * width + i;
  const left = i >= 0;
  const right = i + 1 < width;
  const above = j >= 0;
  const below = j + 1 < height;
  const a = left && above ? (values[at] ?? 0) : 0;
  const b = right && above ? (values[at + 1] ?? 0) : 0;
  const c = left && below ? (values[at + width] ?? 0) : 0;
  const d = right && below ? (values[at + width + 1] ?? 0) : 0;
  return (a + (b - a) * fx) * (1 - fy) + (c + (d - c) * fx) * fy;
}

/** 3 x 3 binomial mean: takes the steps of the raster out of the distance. */
function binomial(field: Float32Array, width: number, height: number, i: number, j: number): number {
  let sum = 0;
  for (let dj = -1; dj <= 1; dj += 1) {
    const row = Math.min(height - 1, Math.max(0, j + dj)) * width;
    for (let di = -1; di <= 1; di += 1) {
      const at = row + Math.min(width - 1, Math.max(0, i + di));
      sum += (field[at] ?? 0) * (2 - Math.abs(di)) * (2 - Math.abs(dj));
    }
  }
  return sum / 16;
}

/** The outline with its Poisson height. */
export function silhouetteOf(signed: Float32Array, extent: Extent): Silhouette {
  const nu = nodesAlong(extent.u);
  const nv = nodesAlong(extent.v);
  const height = poisson(signed, nu, nv);
  continueOutside(height, signed, nu, nv);
  return { nu, nv, signed, height };
}

/** Rings of nodes around the outline to which the slope at the outline is carried. */
const RINGS = 3;

/** Outside, the height falls with the slope that it has at the nearest outline. */
function continueOutside(height: Float32Array, signed: Float32Array, nu: number, nv: number): void {
  const slope = new Float32Array(height.length);
  let sum = 0;
  let count = 0;
  for (let at = 0; at < height.length; at += 1) {
    const d = signed[at] ?? 0;
    if (d <= 0.2 || d > 2) continue;
    slope[at] = (height[at] ?? 0) / d;
    sum += slope[at] ?? 0;
    count += 1;
  }
  const mean = count === 0 ? 1 : sum / count;
  for (let ring = 0; ring < RINGS; ring += 1) {
    const known = slope.slice();
    for (let j = 1; j < nv - 1; j += 1) {
      for (let i = 1; i < nu - 1; i += 1) {
        const at = j * nu + i;
        if ((signed[at] ?? 0) > 0.2 || (known[at] ?? 0) > 0) continue;
        let near = 0;
        let n = 0;
        for (let dj = -nu; dj <= nu; dj += nu) {
          for (let di = -1; di <= 1; di += 1) {
            const value = known[at + di + dj] ?? 0;
            if (value > 0) {
              near += value;
              n += 1;
            }
          }
        }
        if (n > 0) slope[at] = near / n;
      }
    }
  }
  for (let at = 0; at < height.length; at += 1) {
    const d = signed[at] ?? 0;
    if (d <= 0) height[at] = d * ((slope[at] ?? 0) > 0 ? (slope[at] ?? 0) : mean);
  }
}
