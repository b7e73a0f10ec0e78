import type { Placement } from './camera.js';
import { cameraAxes } from './camera.js';
import type { Mesh } from './types.js';

export interface Raster {
  width: number;
  height: number;
  /** Metres along the viewing direction, larger is farther from the camera; `Infinity` where nothing is seen. */
  depth: Float32Array;
  /** The triangle that is seen, -1 where there is none. */
  triangle: Int32Array;
}

/**
 * What the camera of a view sees of the mesh, without shading: orthographic, sampled at pixel centres, both sides
 * of a triangle count. The whole picture of the view is covered at any resolution.
 *
 * @param view A view, or only its placing with the size of its picture in pixels.
 */
export function rasterise(
  mesh: Mesh,
  view: Placement & { pixels: { width: number; height: number } },
  width: number = view.pixels.width,
  height: number = view.pixels.height,
): Raster {
  const { positions, indices } = mesh;
  const depth = new Float32Array(width * height).fill(Infinity);
  const triangle = new Int32Array(width * height).fill(-1);
  const screen = toScreen(positions, view, width / view.pixels.width, height / view.pixels.height);

  for (let t = 0; t * 3 < indices.length; t += 1) {
    const a = (indices[3 * t] ?? 0) * 3;
    const b = (indices[3 * t + 1] ?? 0) * 3;
    const c = (indices[3 * t + 2] ?? 0) * 3;
    const ax = screen[a] ?? 0;
    const ay = screen[a + 1] ?? 0;
    const az = screen[a + 2] ?? 0;
    const abx = (screen[b] ?? 0) - ax;
    const aby = (screen[b + 1] ?? 0) - ay;
    const acx = (screen[c] ?? 0) - ax;
    const acy = (screen[c + 1] ?? 0) - ay;
    const area = abx * acy - acx * aby;
    if (area === 0) continue;
    const abz = (screen[b + 2] ?? 0) - az;
    const acz = (screen[c + 2] ?? 0) - az;

    // Pixel (i, j) is sampled at (i + 0.5, j + 0.5).
    const left = Math.max(0, Math.ceil(ax + Math.min(0, abx, acx) - 0.5));
    const right = Math.min(width - 1, Math.floor(ax + Math.max(0, abx, acx) - 0.5));
    const top = Math.max(0, Math.ceil(ay + Math.min(0, aby, acy) - 0.5));
    const bottom = Math.min(height - 1, Math.floor(ay + Math.max(0, aby, acy) - 0.5));
    for (let j = top; j <= bottom; j += 1) {
      const dy = j + 0.5 - ay;
      for (let i = left; i <= right; i += 1) {
        const dx = i + 0.5 - ax;
        const wb = (dx * acy - dy * acx) / area;
        const wc = (dy * abx - dx * aby) / area;
        if (wb < 0 || wc < 0 || wb + wc > 1) continue;
        const at = j * width + i;
        const d = az + wb * abz + wc * acz;
        if (d < (depth[at] ?? 0)) {
          depth[at] = d;
          triangle[at] = t;
        }
      }
    }
  }
  return { width, height, depth, triangle };
}

/** Vertices as (pixel x, pixel y, depth). */
function toScreen(positions: Float32Array, view: Placement, scaleX: number, scaleY: number): Float64Array {
  const { right, up, toCamera } = cameraAxes[view.name];
  const kx = (right.sign * scaleX) / view.metresPerPixelX;
  const ky = (-up.sign * scaleY) / view.metresPerPixelY;
  const screen = new Float64Array(positions.length);
  for (let at = 0; at < positions.length; at += 3) {
    screen[at] = view.centreX * scaleX + kx * (positions[at + right.axis] ?? 0);
    screen[at + 1] = view.baseY * scaleY + ky * (positions[at + up.axis] ?? 0);
    screen[at + 2] = -toCamera.sign * (positions[at + toCamera.axis] ?? 0);
  }
  return screen;
}
