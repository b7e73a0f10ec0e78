import { cameraAxes } from '../../src/engine/camera.js';
import { rasterise } from '../../src/engine/raster.js';
import type { Mesh, PixelBox, View, ViewName } from '../../src/engine/types.js';

export type Rgb = readonly [number, number, number];

export interface PaintedOptions {
  /** Pixels along each side of the picture. */
  size?: number;
  /** Metres along each side of the picture. */
  span?: number;
  backdrop?: Rgb;
}

/**
 * An orthographic picture of a mesh, its edges blended with the backdrop, and the silhouette cut from it. Every
 * pixel takes `colour` of the point of the surface that is seen there.
 */
export function painted(
  mesh: Mesh,
  name: ViewName,
  colour: (point: readonly [number, number, number]) => Rgb,
  { size = 160, span = 1.25, backdrop = [255, 255, 255] }: PaintedOptions = {},
): View {
  const metresPerPixel = span / size;
  const placement = {
    name,
    metresPerPixelX: metresPerPixel,
    metresPerPixelY: metresPerPixel,
    centreX: size / 2,
    baseY: name === 'top' ? size / 2 : 0.9 * size,
  };
  const fine = 4 * size;
  const { triangle, depth } = rasterise(
    mesh,
    { ...placement, pixels: { width: size, height: size } },
    fine,
    fine,
  );
  const { right, up, toCamera } = cameraAxes[name];
  const data = new Uint8Array(size * size * 4);
  const mask = new Uint8Array(size * size);
  const box: PixelBox = { x0: size, y0: size, x1: 0, y1: 0 };
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const sum = [0, 0, 0];
      let inside = 0;
      for (let sample = 0; sample < 16; sample += 1) {
        const column = 4 * x + (sample % 4);
        const row = 4 * y + Math.floor(sample / 4);
        const at = row * fine + column;
        let seen = backdrop;
        if ((triangle[at] ?? -1) >= 0) {
          const point: [number, number, number] = [0, 0, 0];
          point[right.axis] = right.sign * ((column + 0.5) / 4 - placement.centreX) * metresPerPixel;
          point[up.axis] = up.sign * (placement.baseY - (row + 0.5) / 4) * metresPerPixel;
          point[toCamera.axis] = -toCamera.sign * (depth[at] ?? 0);
          seen = colour(point);
          inside += 1;
        }
        for (let k = 0; k < 3; k += 1) sum[k] = (sum[k] ?? 0) + (seen[k] ?? 0) / 16;
      }
      const at = y * size + x;
      data.set([...sum.map(Math.round), 255], 4 * at);
      if (inside < 8) continue;
      mask[at] = 255;
      box.x0 = Math.min(box.x0, x);
      box.y0 = Math.min(box.y0, y);
      box.x1 = Math.max(box.x1, x + 1);
      box.y1 = Math.max(box.y1, y + 1);
    }
  }
  return {
    ...placement,
    pixels: { width: size, height: size, data },
    mask: { width: size, height: size, data: mask, method: 'given', confidence: 1 },
    box,
  };
}
