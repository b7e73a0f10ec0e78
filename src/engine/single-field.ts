import type { Field } from './iso-surface.js';
import type { Extent, Silhouette } from './silhouette.js';
import { PAD, nodesAlong } from './silhouette.js';

/**
 * Solids from the one silhouette that a front view gives: fields over the grid, positive inside, close to the
 * distance to the surface in cells. The silhouette's plane is (x, y); the solid lies symmetrically about z = 0.
 */

/** Beyond this many cells from the surface a field's value does not matter. */
export const REACH = 4;

/**
 * Laplacian of the squared half depth: 4 makes a disc a ball, 2 makes a strip a round rod; between them both come out
 * a little off, which is the better guess for a shape that has both.
 */
const INFLATION = 3;

/** Depth in cells to which a silhouette inflates by itself. */
export function inflatedDepth({ height }: Silhouette): number {
  let most = 0;
  for (const h of height) if (h > most) most = h;
  return 2 * Math.sqrt(INFLATION * most);
}

/** A pillow: half depth squared is the Poisson height, stretched to the wanted depth. */
export function inflate(front: Silhouette, depth: number): Field {
  const { nu, nv, height } = front;
  const natural = inflatedDepth(front);
  const stretch = depth / natural;
  const squared = height.map((h) => INFLATION * h);
  const slope2 = new Float32Array(squared.length);
  for (let j = 1; j < nv - 1; j += 1) {
    for (let i = 1; i < nu - 1; i += 1) {
      const at = j * nu + i;
      const gx = ((squared[at + 1] ?? 0) - (squared[at - 1] ?? 0)) / 2;
      const gy = ((squared[at + nu] ?? 0) - (squared[at - nu] ?? 0)) / 2;
      slope2[at] = gx * gx + gy * gy;
    }
  }
  const field = emptyField(nu, nv, depth);
  const { values, nz } = field;
  for (let k = 0, out = 0; k < nz; k += 1) {
    const z = (k - PAD - depth / 2) / stretch;
    const z2 = z * z;
    // d(z^2)/dz is 2 z / stretch in cells of the grid.
    const alongZ = (4 * z2) / (stretch * stretch);
    for (let at = 0; at < squared.length; at += 1, out += 1) {
      const f = ((squared[at] ?? 0) - z2) / Math.sqrt((slope2[at] ?? 0) + alongZ + 1e-3);
      values[out] = Math.min(REACH, Math.max(-REACH, f));
    }
  }
  return field;
}

/** A slab with the silhouette as its outline. */
export function extrude(signed: Float32Array, extent: Extent, depth: number): Field {
  const field = emptyField(nodesAlong(extent.u), nodesAlong(extent.v), depth);
  const { values, nz } = field;
  for (let k = 0, out = 0; k < nz; k += 1) {
    const within = depth / 2 - Math.abs(k - PAD - depth / 2);
    for (let at = 0; at < signed.length; at += 1, out += 1) values[out] = Math.min(signed[at] ?? 0, within);
  }
  return field;
}

/** Twice the largest distance from the outline, cells: as deep as a slab is wide at its widest place. */
export function inscribedDiameter(signed: Float32Array): number {
  let most = 0;
  for (const d of signed) if (d > most) most = d;
  return 2 * most;
}

/** The silhouette turned about its vertical axis; `signed` has to be symmetric. */
export function lathe(signed: Float32Array, extent: Extent, depth: number): Field {
  const nu = nodesAlong(extent.u);
  const nv = nodesAlong(extent.v);
  const field = emptyField(nu, nv, depth);
  const { values, nz } = field;
  const middle = PAD + extent.u / 2;
  const squash = extent.u / depth;
  for (let k = 0; k < nz; k += 1) {
    const z = (k - PAD - depth / 2) * squash;
    for (let i = 0; i < nu; i += 1) {
      const x = i - middle;
      const column = Math.min(nu - 1.001, middle + Math.sqrt(x * x + z * z));
      const low = Math.floor(column);
      const part = column - low;
      for (let j = 0; j < nv; j += 1) {
        const a = signed[j * nu + low] ?? 0;
        const b = signed[j * nu + low + 1] ?? 0;
        values[(k * nv + j) * nu + i] = a + part * (b - a);
      }
    }
  }
  return field;
}

function emptyField(nx: number, ny: number, depth: number): Field {
  const nz = nodesAlong(depth);
  return { nx, ny, nz, values: new Float32Array(nx * ny * nz) };
}
