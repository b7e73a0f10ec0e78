import type { Target } from './raster.js';

/**
 * Darkness of creases and contacts, from the depth of the surroundings. A pair of opposite neighbours that lie
 * nearer to the camera than a point, on average, hide light from it; on a plane of any slope the average is the
 * point itself.
 */

/** Directions of the pairs, and radii as shares of the tile's width. */
const DIRECTIONS = [0, 1, 2, 3].map(
  (k) => [Math.cos((k * Math.PI) / 4 + 0.3), Math.sin((k * Math.PI) / 4 + 0.3)] as const,
);
const RADII = [0.008, 0.028];
const STRENGTH = 1.5;

/**
 * Share of the light from around that reaches each pixel, 0 to 1, row by row.
 *
 * @param samples samples per pixel along each axis
 * @param scale samples per metre
 */
export function ambientOcclusion(
  { width, height, depth }: Target,
  samples: number,
  scale: number,
): Float32Array {
  const columns = width / samples;
  const rows = height / samples;
  const out = new Float32Array(columns * rows).fill(1);
  const taps = RADII.flatMap((radius) =>
    DIRECTIONS.map(([x, y]) => ({
      dx: Math.round(x * radius * width),
      dy: Math.round(y * radius * width),
      /** Metres in space. */
      reach: (radius * width) / scale,
    })),
  );
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = column * samples;
      const y = row * samples;
      const here = depth[y * width + x] ?? -Infinity;
      if (here === -Infinity) continue;
      let hidden = 0;
      for (const { dx, dy, reach } of taps) {
        const one = at(depth, width, height, x + dx, y + dy) - here;
        const other = at(depth, width, height, x - dx, y - dy) - here;
        // What is far in front, or beside a silhouette, belongs to something else.
        if (!(Math.abs(one) < 3 * reach && Math.abs(other) < 3 * reach)) continue;
        const bend = (one + other) / (2 * reach);
        if (bend > 0.02) hidden += Math.min(bend - 0.02, 1);
      }
      out[row * columns + column] = 1 / (1 + (STRENGTH * hidden * 4) / taps.length);
    }
  }
  return out;
}

function at(depth: Float32Array, width: number, height: number, x: number, y: number): number {
  return x >= 0 && y >= 0 && x < width && y < height ? (depth[y * width + x] ?? -Infinity) : -Infinity;
}
