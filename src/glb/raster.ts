import type { MeshwrightError } from '../errors.js';
import { LIMITS } from './limits.js';
import { invalidGlb } from './refusal.js';
import type { SurfaceMaterial, TextureMap } from './materials.js';
import { mipLevel, sample } from './sample.js';
import type { ScenePrimitive } from './scene.js';

/**
 * Pass 1: which triangle is seen at each sample. Only depth and a number are written, so that a million
 * triangles cost little; colours are computed later, once per visible sample.
 */
export interface Target {
  /** Samples, not pixels of the picture. */
  width: number;
  height: number;
  /** Metres towards the camera; -Infinity where nothing is. */
  depth: Float32Array;
  /** 1 + number of the triangle in the scene, 0 where nothing is. */
  ids: Uint32Array;
  /** How many samples may still be tested in this view. */
  left: number;
}

export function createTarget(width: number, height: number): Target {
  const samples = width * height;
  return { width, height, depth: new Float32Array(samples), ids: new Uint32Array(samples), left: 0 };
}

export function clearTarget(target: Target): void {
  target.depth.fill(-Infinity);
  target.ids.fill(0);
  target.left = LIMITS.overdraw * target.ids.length;
}

export interface RasterOptions {
  /** Leave out triangles that show their back. */
  cull: boolean;
  /** Alpha decides about each sample. */
  material: SurfaceMaterial;
}

/**
 * Draws the triangles of one primitive.
 *
 * @param projected x, y in samples and depth, per vertex
 * @param firstId id of the first triangle
 */
export function rasterize(
  target: Target,
  primitive: ScenePrimitive,
  projected: Float32Array,
  firstId: number,
  options: RasterOptions,
): void {
  const { indices } = primitive;
  const { width, height, depth, ids } = target;
  const alpha = options.material.alpha === 'opaque' ? undefined : new AlphaTest(primitive, options.material);
  for (let i = 0; i + 2 < indices.length; i += 3) {
    const ia = 3 * (indices[i] ?? 0);
    // The other way round, because y points down: what faces the camera has a positive area.
    let ib = 3 * (indices[i + 2] ?? 0);
    let ic = 3 * (indices[i + 1] ?? 0);
    const ax = projected[ia] ?? 0;
    const ay = projected[ia + 1] ?? 0;
    let bx = projected[ib] ?? 0;
    let by = projected[ib + 1] ?? 0;
    let cx = projected[ic] ?? 0;
    let cy = projected[ic + 1] ?? 0;
    let area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    if (!(area > 0)) {
      if (options.cull || !(area < 0)) continue;
      area = -area;
      ib = 3 * (indices[i + 1] ?? 0);
      ic = 3 * (indices[i + 2] ?? 0);
      bx = projected[ib] ?? 0;
      by = projected[ib + 1] ?? 0;
      cx = projected[ic] ?? 0;
      cy = projected[ic + 1] ?? 0;
    }

    // Sample centres lie at halves.
    const x0 = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
    const x1 = Math.min(width - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
    const y0 = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
    const y1 = Math.min(height - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
    if (x0 > x1 || y0 > y1) continue;
    target.left -= (x1 - x0 + 1) * (y1 - y0 + 1);
    if (target.left < 0) throw overdrawn();

    const az = projected[ia + 2] ?? 0;
    const bz = projected[ib + 2] ?? 0;
    const cz = projected[ic + 2] ?? 0;
    // Edge functions: positive inside; each is the weight of the vertex across from it, times the area.
    const px = x0 + 0.5;
    const py = y0 + 0.5;
    let rowB = (ax - cx) * (py - cy) - (ay - cy) * (px - cx);
    let rowC = (bx - ax) * (py - ay) - (by - ay) * (px - ax);
    const stepBx = cy - ay;
    const stepCx = ay - by;
    const stepBy = ax - cx;
    const stepCy = bx - ax;
    const slopeB = (bz - az) / area;
    const slopeC = (cz - az) / area;
    alpha?.setTriangle(ia / 3, ib / 3, ic / 3, area);
    for (let y = y0; y <= y1; y++, rowB += stepBy, rowC += stepCy) {
      let wb = rowB;
      let wc = rowC;
      let at = y * width + x0;
      for (let x = x0; x <= x1; x++, at++, wb += stepBx, wc += stepCx) {
        if (wb < 0 || wc < 0 || wb + wc > area) continue;
        const z = az + wb * slopeB + wc * slopeC;
        if (z > (depth[at] ?? 0) && (alpha === undefined || alpha.passes(wb / area, wc / area, x, y))) {
          depth[at] = z;
          ids[at] = firstId + i / 3;
        }
      }
    }
  }
}

/** Layer upon layer: a few kilobytes of it take minutes. */
function overdrawn(): MeshwrightError {
  return invalidGlb(
    `The triangles of this GLB cover each other more than ${LIMITS.overdraw} times: it cannot be drawn in a reasonable time. ` +
      'Use a simplified version.',
  );
}

/** Thresholds of an ordered dither (Bayer, 4 × 4), so that half transparent covers half of the samples. */
const BAYER = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map((rank) => (rank + 0.5) / 16);

/** Whether a sample of a masked or blended surface is there at all. */
class AlphaTest {
  readonly #map: TextureMap | undefined;
  readonly #uv: Float32Array | undefined;
  readonly #colors: Float32Array | undefined;
  readonly #factor: number;
  readonly #cutoff: number | undefined;
  /** u, v of the three corners after the texture transform, then their vertex alphas. */
  readonly #corners = new Float64Array(9);
  readonly #texel = new Float64Array(4);
  #level = 0;

  constructor(primitive: ScenePrimitive, material: SurfaceMaterial) {
    this.#map = material.baseMap;
    this.#uv = material.baseMap && primitive.uvs[material.baseMap.uvSet];
    this.#colors = primitive.colors;
    this.#factor = material.base[3];
    this.#cutoff = material.alpha === 'mask' ? material.cutoff : undefined;
  }

  setTriangle(a: number, b: number, c: number, pixelArea: number): void {
    const corners = this.#corners;
    const [ua, va] = this.#setCorner(0, a);
    const [ub, vb] = this.#setCorner(1, b);
    const [uc, vc] = this.#setCorner(2, c);
    corners[6] = this.#colors?.[4 * a + 3] ?? 1;
    corners[7] = this.#colors?.[4 * b + 3] ?? 1;
    corners[8] = this.#colors?.[4 * c + 3] ?? 1;
    const uvArea = Math.abs((ub - ua) * (vc - va) - (vb - va) * (uc - ua));
    if (this.#map) this.#level = mipLevel(this.#map, uvArea, pixelArea);
  }

  #setCorner(corner: number, vertex: number): [number, number] {
    const { transform } = this.#map ?? {};
    if (!transform || !this.#uv) return [0, 0];
    const u = this.#uv[2 * vertex] ?? 0;
    const v = this.#uv[2 * vertex + 1] ?? 0;
    const at: [number, number] = [
      transform[0] * u + transform[1] * v + transform[2],
      transform[3] * u + transform[4] * v + transform[5],
    ];
    this.#corners.set(at, 2 * corner);
    return at;
  }

  /** @param wb weight of the second corner; @param wc of the third */
  passes(wb: number, wc: number, x: number, y: number): boolean {
    const wa = 1 - wb - wc;
    const at = this.#corners;
    let alpha = this.#factor * (wa * (at[6] ?? 1) + wb * (at[7] ?? 1) + wc * (at[8] ?? 1));
    if (this.#map && this.#uv) {
      const u = wa * (at[0] ?? 0) + wb * (at[2] ?? 0) + wc * (at[4] ?? 0);
      const v = wa * (at[1] ?? 0) + wb * (at[3] ?? 0) + wc * (at[5] ?? 0);
      sample(this.#map, this.#level, u, v, false, this.#texel);
      alpha *= this.#texel[3] ?? 1;
    }
    return alpha >= (this.#cutoff ?? BAYER[4 * (y & 3) + (x & 3)] ?? 0.5);
  }
}
