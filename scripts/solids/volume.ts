import type { Solid } from './sdf.js';
import { boundsOf, isInside } from './sdf.js';

/** Cells along the longest side of the box around both volumes. */
const CELLS = 96;

export interface Triangles {
  positions: ArrayLike<number>;
  indices: ArrayLike<number>;
}

/**
 * Volume of a closed mesh against the exact solid, intersection over union. The mesh is set on the solid's foot,
 * centred in x and z, and scaled to its height: where the pictures put it, apart from what no picture tells.
 */
export function volumeIou(solid: Solid, mesh: Triangles, cells = CELLS): number {
  const { min, max } = boundsOf(solid);
  const positions = standOn(mesh.positions, min, max);
  const [low, high] = [[...min], [...max]];
  for (let at = 0; at < positions.length; at += 1) {
    low[at % 3] = Math.min(low[at % 3] ?? 0, positions[at] ?? 0);
    high[at % 3] = Math.max(high[at % 3] ?? 0, positions[at] ?? 0);
  }
  const [x0 = 0, y0 = 0, z0 = 0] = low;
  const [x1 = 0, y1 = 0, z1 = 0] = high;
  const cell = Math.max(x1 - x0, y1 - y0, z1 - z0) / cells;
  const [nx, ny, nz] = [
    Math.ceil((x1 - x0) / cell),
    Math.ceil((y1 - y0) / cell),
    Math.ceil((z1 - z0) / cell),
  ];
  const crossings = crossingsAlongZ(positions, mesh.indices, { x0, y0, cell, nx, ny });
  let both = 0;
  let either = 0;
  for (let j = 0; j < ny; j += 1) {
    for (let i = 0; i < nx; i += 1) {
      const hits = (crossings[j * nx + i] ?? []).toSorted((a, b) => a - b);
      for (let k = 0; k < nz; k += 1) {
        const z = z0 + (k + 0.5) * cell;
        const inMesh = hits.filter((hit) => hit < z).length % 2 === 1;
        const inSolid = isInside(solid, x0 + (i + 0.5) * cell, y0 + (j + 0.5) * cell, z);
        if (inMesh && inSolid) both += 1;
        if (inMesh || inSolid) either += 1;
      }
    }
  }
  return both / either;
}

function standOn(positions: ArrayLike<number>, min: ArrayLike<number>, max: ArrayLike<number>): Float64Array {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let at = 0; at < positions.length; at += 1) {
    low[at % 3] = Math.min(low[at % 3] ?? 0, positions[at] ?? 0);
    high[at % 3] = Math.max(high[at % 3] ?? 0, positions[at] ?? 0);
  }
  const scale = ((max[1] ?? 0) - (min[1] ?? 0)) / ((high[1] ?? 0) - (low[1] ?? 0));
  return Float64Array.from({ length: positions.length }, (_, at) => {
    const c = at % 3;
    const own = c === 1 ? (low[1] ?? 0) : ((low[c] ?? 0) + (high[c] ?? 0)) / 2;
    const target = c === 1 ? (min[1] ?? 0) : ((min[c] ?? 0) + (max[c] ?? 0)) / 2;
    return ((positions[at] ?? 0) - own) * scale + target;
  });
}

interface Columns {
  x0: number;
  y0: number;
  cell: number;
  nx: number;
  ny: number;
}

/** For each column of cells, the heights z at which its middle line meets the mesh. */
function crossingsAlongZ(positions: Float64Array, indices: ArrayLike<number>, grid: Columns): number[][] {
  const { x0, y0, cell, nx, ny } = grid;
  const columns: number[][] = Array.from({ length: nx * ny }, () => []);
  const point = (vertex: number): [number, number, number] => [
    // A shift by a part of a cell that no mesh knows: a line never meets an edge exactly.
    ((positions[3 * vertex] ?? 0) - x0) / cell + 1.0e-6 * Math.SQRT2,
    ((positions[3 * vertex + 1] ?? 0) - y0) / cell + 1.7e-6 * Math.SQRT2,
    positions[3 * vertex + 2] ?? 0,
  ];
  for (let t = 0; t < indices.length; t += 3) {
    const [ax, ay, az] = point(indices[t] ?? 0);
    const [bx, by, bz] = point(indices[t + 1] ?? 0);
    const [cx, cy, cz] = point(indices[t + 2] ?? 0);
    const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
    if (area === 0) continue;
    const [left, right] = [Math.ceil(Math.min(ax, bx, cx) - 0.5), Math.floor(Math.max(ax, bx, cx) - 0.5)];
    const [low, high] = [Math.ceil(Math.min(ay, by, cy) - 0.5), Math.floor(Math.max(ay, by, cy) - 0.5)];
    for (let j = Math.max(0, low); j <= Math.min(ny - 1, high); j += 1) {
      for (let i = Math.max(0, left); i <= Math.min(nx - 1, right); i += 1) {
        const [px, py] = [i + 0.5 - ax, j + 0.5 - ay];
        const wb = (px * (cy - ay) - (cx - ax) * py) / area;
        const wc = ((bx - ax) * py - px * (by - ay)) / area;
        if (wb >= 0 && wc >= 0 && wb + wc <= 1)
          columns[j * nx + i]?.push(az + wb * (bz - az) + wc * (cz - az));
      }
    }
  }
  return columns;
}
