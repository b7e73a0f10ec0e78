import { rasterise } from './raster.js';
import { regionsOf } from './regions.js';
import type { Mesh, View } from './types.js';

/** How well a mesh fills the silhouette of one of its views. */
export interface SilhouetteFit {
  /** Intersection over union, 0 to 1. */
  iou: number;
  /** Parts of the silhouette that the mesh lacks altogether: too thin for the grid. */
  lostParts: number;
}

/** Longest side of the raster on which silhouettes are compared. */
const SIDE = 512;
/** Share of the silhouette from which a missing part is worth a word. */
const WORTH = 0.002;
/** The silhouette's rim may differ by this many pixels of the raster without anything being lost. */
const RIM = 3;

export function silhouetteFit(mesh: Mesh, view: View): SilhouetteFit {
  const { mask } = view;
  const scale = Math.min(1, SIDE / Math.max(mask.width, mask.height));
  const width = Math.round(mask.width * scale);
  const height = Math.round(mask.height * scale);
  const { triangle } = rasterise(mesh, view, width, height);
  const missing = new Uint8Array(width * height);
  let both = 0;
  let either = 0;
  let wanted = 0;
  for (let j = 0; j < height; j += 1) {
    const row = Math.floor(((j + 0.5) * mask.height) / height) * mask.width;
    for (let i = 0; i < width; i += 1) {
      const at = j * width + i;
      const isWanted = (mask.data[row + Math.floor(((i + 0.5) * mask.width) / width)] ?? 0) > 0;
      const isThere = (triangle[at] ?? -1) >= 0;
      if (isWanted) wanted += 1;
      if (isWanted && isThere) both += 1;
      if (isWanted || isThere) either += 1;
      if (isWanted && !nearCovered(triangle, width, height, i, j)) missing[at] = 1;
    }
  }
  const lost = regionsOf(missing, width, height, 1).filter(({ at }) => at.length > WORTH * wanted);
  return { iou: either === 0 ? 0 : both / either, lostParts: lost.length };
}

/** Whether the mesh covers a pixel or one close to it. */
function nearCovered(triangle: Int32Array, width: number, height: number, i: number, j: number): boolean {
  if ((triangle[j * width + i] ?? -1) >= 0) return true;
  const [top, bottom] = [Math.max(0, j - RIM), Math.min(height - 1, j + RIM)];
  const [left, right] = [Math.max(0, i - RIM), Math.min(width - 1, i + RIM)];
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) if ((triangle[y * width + x] ?? -1) >= 0) return true;
  }
  return false;
}
